import type { EntityJson } from '#decision/engine';
import type { EntityUid, FactView } from '#foundation/model';

/** A subject or resource lies in at most this many groups or segments, all levels together. */
export const ancestorsMax = 1_000;

/** More ancestors than can be judged: an administrator's mistake, answered by closing. */
export class HierarchyTooLarge extends Error {}

/** The direct parents of a node, and what else its entity says; `missing` when no such fact exists. */
export interface Node {
  readonly parents: readonly string[];
  readonly attrs: EntityJson['attrs'];
}

export interface Ancestry {
  /** Every ancestor, nearest first, without repetition. */
  readonly uids: readonly EntityUid[];
  readonly entities: readonly EntityJson[];
}

/**
 * Collects all ancestors of one type. Cycles, which Cedar refuses, are broken: an edge back to a node that is still
 * being walked is left out. The subject itself gets every ancestor as a parent, so a cycle never costs it one.
 */
function collect(type: string, start: readonly string[], look: (id: string) => Node): Ancestry {
  const entities: EntityJson[] = [];
  const state = new Map<string, 'walking' | 'done'>();
  const order: string[] = [];
  interface Step {
    readonly id: string;
    readonly node: Node;
    readonly kept: string[];
    next: number;
  }
  const enter = (id: string): Step => {
    if (state.size >= ancestorsMax) throw new HierarchyTooLarge(`more than ${ancestorsMax} ${type} ancestors`);
    state.set(id, 'walking');
    order.push(id);
    return { id, node: look(id), kept: [], next: 0 };
  };
  for (const root of start) {
    if (state.has(root)) continue;
    const steps = [enter(root)];
    for (let step = steps.at(-1); step !== undefined; step = steps.at(-1)) {
      const parent = step.node.parents[step.next];
      step.next += 1;
      if (parent === undefined) {
        state.set(step.id, 'done');
        const parents = step.kept.map((id) => ({ type, id }));
        entities.push(Object.freeze({ uid: { type, id: step.id }, attrs: step.node.attrs, parents }));
        steps.pop();
        continue;
      }
      const seen = state.get(parent);
      if (seen === 'walking') continue;
      step.kept.push(parent);
      if (seen === undefined) steps.push(enter(parent));
    }
  }
  return { uids: order.map((id) => ({ type, id })), entities };
}

/** All groups above these, by `memberOf`. A group that is named but not there is a group without parents. */
export function groupsAbove(view: FactView, start: readonly string[]): Ancestry {
  return collect('Group', start, (id) => ({ parents: view.get('group', id)?.memberOf ?? [], attrs: {} }));
}

export const sensitivities = ['public', 'low', 'medium', 'high'] as const;
export type Sensitivity = (typeof sensitivities)[number] | 'unclassified';

/** All segments around this one, by `within`, and the highest sensitivity among them. A segment that is named but not there counts as `high`. */
export function segmentsAround(view: FactView, segment: string | null): Ancestry & { sensitivity: Sensitivity } {
  let rank = -1;
  const ancestry = collect('Segment', segment === null ? [] : [segment], (id) => {
    const body = view.get('segment', id);
    const sensitivity = body?.sensitivity ?? 'high';
    rank = Math.max(rank, sensitivities.indexOf(sensitivity));
    return { parents: body?.within == null ? [] : [body.within], attrs: { sensitivity } };
  });
  return { ...ancestry, sensitivity: sensitivities[rank] ?? 'unclassified' };
}
