import type { ProofResult } from '#decision/proof';
import { formatUid } from '#foundation/model';
import type { Checked } from './messages.ts';

/** May a set be published, as far as its invariants go? */
export interface InvariantCheck {
  readonly ok: boolean;
  /** What stands against it, a sentence each; for people. */
  readonly words: readonly string[];
  readonly results: readonly ProofResult[];
}

/** `ok` when each invariant holds: one that could not be decided is not known to hold. */
export function invariantCheckOf({ problems, found: results = [] }: Checked<readonly ProofResult[]>): InvariantCheck {
  const wrong = problems.filter(({ level }) => level === 'error');
  const words = [
    ...wrong.map(({ file, line, message }) => `${file ?? 'policies'}:${line ?? 1}: ${message}`),
    ...results.flatMap(wordsOf),
  ];
  return { ok: words.length === 0, words, results };
}

function wordsOf(result: ProofResult): string[] {
  const name = `invariant \`${result.id}\``;
  if (result.outcome === 'holds') return [];
  if (result.outcome === 'undecided') return [`${name} could not be decided: ${result.why}`];
  const { request, decision, policies } = result.counterexample;
  const [principal, action, resource] = [request.principal, request.action, request.resource].map(formatUid);
  const by = policies.length === 0 ? '' : ` by ${policies.map((id) => `\`${id}\``).join(', ')}`;
  return [
    `${name} is broken: ${principal} ${action} ${resource} can be ${decision === 'allow' ? 'allowed' : 'denied'}${by}`,
  ];
}
