import type { PolicyJson } from './policy-set.ts';

type Node = Readonly<Record<string, unknown>>;

const isNode = (json: unknown): json is Node => typeof json === 'object' && json !== null && !Array.isArray(json);

/** Operators that only compare what stands beside them. */
const comparing = ['==', '!=', 'contains', 'containsAll', 'containsAny'] as const;

/** A literal, or a set of literals. */
function isLiteral(json: unknown): boolean {
  if (!isNode(json)) return false;
  const items = json['Set'];
  return 'Value' in json || (Array.isArray(items) && items.every(isLiteral));
}

/** Does a value literal hold an entity? */
function holdsEntity(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(holdsEntity);
  return isNode(value) && ('__entity' in value || Object.values(value).some(holdsEntity));
}

const isRead = (json: unknown) => !isLiteral(json) && reads(json);

function reads(json: unknown): boolean {
  if (Array.isArray(json)) return json.some(reads);
  if (!isNode(json)) return false;
  if ('Value' in json) return holdsEntity(json['Value']);
  const compared = comparing.map((operator) => json[operator]).find(isNode);
  if (compared !== undefined) return isRead(compared['left']) || isRead(compared['right']);
  // Of what stands above something only the name counts; of what it stands above, all between the two.
  const within = json['in'];
  if (isNode(within)) return reads(within['left']) || isRead(within['right']);
  const is = json['is'];
  if (isNode(is)) return is['in'] === undefined ? isRead(is['left']) : reads(is['left']) || isRead(is['in']);
  return Object.values(json).some(reads);
}

/**
 * Does any policy read what an entity is, or stands in, that it names itself (`User::"ada".status`, `Group::"a" in Group::"b"`)? Then its
 * answer may change with facts about others than those who take part. What is not understood counts as reading.
 */
export function readsNamedEntities(policies: Iterable<PolicyJson>): boolean {
  for (const { conditions } of policies) if (conditions.some(({ body }) => reads(body))) return true;
  return false;
}
