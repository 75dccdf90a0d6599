import type { DecisionRequest, EntityJson, LosslessJson } from '#decision/engine';

type Json = { readonly [name: string]: LosslessJson };
type Holds = (request: DecisionRequest) => boolean;

/**
 * Takes out of an example what it does not need: entities, parents, tags and attributes, one at a time, and makes values plain, as long as it
 * stays an example. What is left is what a person must look at.
 */
export function simplify(request: DecisionRequest, isExample: Holds): DecisionRequest {
  let best = request;
  const attempt = (next: DecisionRequest): boolean => {
    if (!isExample(next)) return false;
    best = next;
    return true;
  };
  const isParticipant = ({ uid: { type, id } }: EntityJson) =>
    [request.principal, request.resource].some((each) => each.type === type && each.id === id);
  for (const entity of request.entities) {
    // Who asks and what is asked for is what a person looks at first.
    const isGone =
      !isParticipant(entity) && attempt({ ...best, entities: best.entities.filter((each) => each !== entity) });
    if (isGone) continue;
    simplifyEntity(entity, (old, next) =>
      attempt({ ...best, entities: best.entities.map((each) => (each === old ? next : each)) }),
    );
  }
  simplifyRecord(best.context, (context) => attempt({ ...best, context }));
  return best;
}

function simplifyEntity(entity: EntityJson, attempt: (old: EntityJson, next: EntityJson) => boolean): void {
  let current = entity;
  const change = (next: EntityJson): boolean => {
    if (!attempt(current, next)) return false;
    current = next;
    return true;
  };
  for (const parent of entity.parents)
    change({ ...current, parents: current.parents.filter((each) => each !== parent) });
  for (const tag of Object.keys(entity.tags ?? {})) change({ ...current, tags: without(current.tags ?? {}, tag) });
  simplifyRecord(entity.attrs, (attrs) => change({ ...current, attrs }));
}

const without = (record: Json, name: string): Json =>
  Object.fromEntries(Object.entries(record).filter(([each]) => each !== name));

/** What must be there is put back by the schema: an example without it is none. */
function simplifyRecord(record: Json, attempt: (next: Json) => boolean): void {
  let current = record;
  const change = (next: Json): boolean => {
    if (!attempt(next)) return false;
    current = next;
    return true;
  };
  for (const [name, value] of Object.entries(record)) {
    if (change(without(current, name))) continue;
    const plain = plainOf(value);
    if (plain !== undefined && plain !== value) change({ ...current, [name]: plain });
    else if (isRecord(value)) simplifyRecord(value, (inner) => change({ ...current, [name]: inner }));
  }
}

/** Extension values and entities stay as they are. */
function isRecord(value: LosslessJson): value is Json {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !('__extn' in value || '__entity' in value)
  );
}

function plainOf(value: LosslessJson): LosslessJson | undefined {
  if (typeof value === 'string') return '';
  if (typeof value === 'boolean') return false;
  if (typeof value === 'number' || typeof value === 'bigint') return 0;
  return Array.isArray(value) && value.length > 0 ? [] : undefined;
}
