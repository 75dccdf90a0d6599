import { type DecisionRequest, type LosslessJson, withRawIntegers } from '#decision/engine';
import type { Comparison, Direction, ProofResult } from '#decision/proof';
import { formatUid } from '#foundation/model';

const words = { holds: 'holds', counterexample: 'BROKEN', undecided: 'not decided' } as const;

/** A result in words. */
export function describeResult(result: ProofResult): string {
  const { id, outcome, file, line, assumptions } = result;
  const lines = [`${words[outcome].padEnd(12)} ${id}  (${file}:${line})`];
  if (assumptions.length > 0) lines.push(`  assuming ${assumptions.join(', ')}`);
  if (result.outcome === 'holds' && result.isVacuous)
    lines.push('  but no request at all is spoken of; is a name misspelt?');
  if (result.outcome === 'undecided') {
    lines.push(`  ${result.why}`);
    for (const gap of result.gaps) lines.push(`  ${gap.file}:${gap.line}: ${gap.construct} in \`${gap.policy}\``);
  }
  if (result.outcome === 'counterexample') {
    const { request, decision, policies } = result.counterexample;
    const by =
      policies.length === 0 ? 'no policy permits it' : `by ${policies.map((each) => `\`${each}\``).join(', ')}`;
    lines.push(`  ${decision === 'allow' ? 'allowed' : 'denied'} ${by}:`, ...describeRequest(request));
  }
  return lines.join('\n');
}

const verdicts = {
  equivalent: 'equivalent: every request is answered as before, whatever the facts',
  'more-permissive': 'more permissive: some requests are let in that were refused, none the other way',
  'less-permissive': 'less permissive: some requests are refused that were let in, none the other way',
  both: 'both more and less permissive',
  undecided: 'not decided',
} as const;

/** A comparison in words. */
export function describeComparison({ verdict, gained, lost }: Comparison): string {
  return [verdicts[verdict], ...direction('let in now', gained), ...direction('refused now', lost)].join('\n');
}

function direction(name: string, found: Direction): string[] {
  if (found.kind === 'none') return [];
  if (found.kind === 'undecided') {
    return [
      `  ${name}: not decided: ${found.why}`,
      ...found.gaps.map((gap) => `    ${gap.file}:${gap.line}: ${gap.construct} in \`${gap.policy}\``),
    ];
  }
  const { request, before, after } = found.example;
  const by = (ids: readonly string[]) =>
    ids.length === 0 ? 'no policy permitting it' : ids.map((id) => `\`${id}\``).join(', ');
  return [
    `  ${name}, for example (before: ${before.decision} by ${by(before.policies)}; after: ${after.decision} by ${by(after.policies)}):`,
    ...describeRequest(request),
  ];
}

/** A request and its entities, one thing a line. */
export function describeRequest({ principal, action, resource, context, entities }: DecisionRequest): string[] {
  const json = (value: unknown) => JSON.stringify(withRawIntegers(value as LosslessJson));
  return [
    `    principal ${formatUid(principal)}`,
    `    action    ${formatUid(action)}`,
    `    resource  ${formatUid(resource)}`,
    `    context   ${json(context)}`,
    ...entities.map(({ uid, attrs, parents, tags }) => {
      const above = parents.length === 0 ? '' : ` in ${parents.map(formatUid).join(', ')}`;
      return `    entity    ${formatUid(uid)}${above} ${json(attrs)}${tags === undefined ? '' : ` tags ${json(tags)}`}`;
    }),
  ];
}
