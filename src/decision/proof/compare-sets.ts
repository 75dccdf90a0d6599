import type { DecisionRequest, PolicySet } from '#decision/engine';
import type { Solver } from './ask.ts';
import { doorOf, replays } from './invariant.ts';
import type { Gap } from './meaning.ts';
import { jointModelsOf } from './policy-model.ts';
import { type LocatedGap, whyUndecided } from './prove-invariants.ts';
import { simplify } from './simplify-example.ts';

/** A request that the two sets answer differently; both engines were asked. */
export interface Difference {
  readonly request: DecisionRequest;
  /** Who decides it before and after; none when nothing permits. */
  readonly before: { readonly decision: 'allow' | 'deny'; readonly policies: readonly string[] };
  readonly after: { readonly decision: 'allow' | 'deny'; readonly policies: readonly string[] };
}

/** What can be said of one direction: nothing becomes allowed (or denied), something does, or it could not be decided. */
export type Direction =
  | { readonly kind: 'none' }
  | { readonly kind: 'some'; readonly example: Difference }
  | { readonly kind: 'undecided'; readonly why: string; readonly gaps: readonly LocatedGap[] };

export interface Comparison {
  /** Of all requests and stores that fit the schema of the set after. */
  readonly verdict: 'equivalent' | 'more-permissive' | 'less-permissive' | 'both' | 'undecided';
  /** Requests that were refused and are let in. */
  readonly gained: Direction;
  /** Requests that were let in and are refused. */
  readonly lost: Direction;
}

/** Compares what two sets let in, for all requests and stores. Both must be valid under the schema of `after`. */
export async function compareSets(
  { before, after }: { before: PolicySet; after: PolicySet },
  { solver, onProgress }: { solver: Solver; onProgress?: (done: number, total: number) => void },
): Promise<Comparison> {
  const models = jointModelsOf({ before, after }, solver);
  const found: { gained: Direction; lost: Direction } = { gained: { kind: 'none' }, lost: { kind: 'none' } };
  const old: PolicySet = { ...before, schema: after.schema, schemaJson: after.schemaJson };
  for (const [index, { terms, allowedBefore, allowedAfter, ask }] of models.entries()) {
    for (const way of ['gained', 'lost'] as const) {
      if (found[way].kind === 'some') continue;
      const [yes, no] = way === 'gained' ? [allowedAfter, allowedBefore] : [allowedBefore, allowedAfter];
      const answer = await ask(yes, terms.not(no));
      if (answer.kind === 'impossible') continue;
      const example = answer.kind === 'possible' ? differenceOf(answer.example, { old, after, way }) : undefined;
      if (example !== undefined) found[way] = { kind: 'some', example };
      else if (found[way].kind === 'none') {
        found[way] = { kind: 'undecided', why: whyUndecided(answer), gaps: located(answer.gaps, { before, after }) };
      }
    }
    onProgress?.(index + 1, models.length);
  }
  return { verdict: verdictOf(found), ...found };
}

function verdictOf({ gained, lost }: { gained: Direction; lost: Direction }): Comparison['verdict'] {
  if (gained.kind === 'some' && lost.kind === 'some') return 'both';
  if (gained.kind === 'undecided' || lost.kind === 'undecided') return 'undecided';
  if (gained.kind === 'some') return 'more-permissive';
  return lost.kind === 'some' ? 'less-permissive' : 'equivalent';
}

function differenceOf(
  found: DecisionRequest,
  { old, after, way }: { old: PolicySet; after: PolicySet; way: 'gained' | 'lost' },
): Difference | undefined {
  const [oldDoor, newDoor] = [doorOf(old), doorOf(after)];
  const differs = (request: DecisionRequest) =>
    replays(
      request,
      (each) => oldDoor(each).isAllowed === (way === 'lost') && newDoor(each).isAllowed === (way === 'gained'),
    );
  if (!differs(found)) return undefined;
  const request = simplify(found, differs);
  const told = ({ isAllowed, policies }: ReturnType<typeof oldDoor>) => ({
    decision: isAllowed ? ('allow' as const) : ('deny' as const),
    policies,
  });
  return { request, before: told(oldDoor(request)), after: told(newDoor(request)) };
}

function located(gaps: readonly Gap[], { before, after }: { before: PolicySet; after: PolicySet }): LocatedGap[] {
  return gaps.map((gap) => {
    const place = after.policies.get(gap.policy) ?? before.policies.get(gap.policy);
    return { ...gap, file: place?.file ?? '', line: place?.line ?? 1 };
  });
}
