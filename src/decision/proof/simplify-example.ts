import type { DecisionRequest, EntityJson } from '#decision/engine';

/**
 * Takes out of an example what it does not need: entities, parents and tags, one at a time, as long as it stays an example. What is
 * left is what a person must look at.
 */
export function simplify(request: DecisionRequest, isExample: (request: DecisionRequest) => boolean): DecisionRequest {
  let best = request;
  const attempt = (entities: readonly EntityJson[]) => {
    const next = { ...best, entities };
    if (isExample(next)) best = next;
  };
  const isParticipant = ({ uid: { type, id } }: EntityJson) =>
    [request.principal, request.resource].some((each) => each.type === type && each.id === id);
  for (const entity of request.entities) {
    // Who asks and what is asked for is what a person looks at first.
    if (!isParticipant(entity)) attempt(best.entities.filter((each) => each !== entity));
    const kept = best.entities.find((each) => each === entity);
    if (kept === undefined) continue;
    let current = kept;
    const change = (next: EntityJson) => {
      attempt(best.entities.map((each) => (each === current ? next : each)));
      if (best.entities.includes(next)) current = next;
    };
    for (const parent of kept.parents)
      change({ ...current, parents: current.parents.filter((each) => each !== parent) });
    for (const tag of Object.keys(kept.tags ?? {})) {
      change({
        ...current,
        tags: Object.fromEntries(Object.entries(current.tags ?? {}).filter(([name]) => name !== tag)),
      });
    }
  }
  return best;
}
