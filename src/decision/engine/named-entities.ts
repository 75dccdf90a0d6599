import type { EntityUid } from '#foundation/model';
import { isNode, madeMembers } from './expression-json.ts';
import type { PolicyJson } from './policy-set.ts';

/** Operators that only compare what stands beside them. */
const comparing = ['==', '!=', 'contains', 'containsAll', 'containsAny'] as const;

/** A literal, or a set of literals. */
function isLiteral(json: unknown): boolean {
  if (!isNode(json)) return false;
  const items = json['Set'];
  return 'Value' in json || (Array.isArray(items) && items.every(isLiteral));
}

class Reader {
  readonly found = new Map<string, EntityUid>();

  /** Every entity in a value literal. */
  #take(value: unknown): void {
    if (Array.isArray(value)) for (const item of value) this.#take(item);
    if (!isNode(value)) return;
    const uid = value['__entity'];
    if (isNode(uid)) {
      const [type, id] = [String(uid['type']), String(uid['id'])];
      this.found.set(`${type} ${id}`, { type, id });
    } else for (const item of Object.values(value)) this.#take(item);
  }

  #compared(json: unknown): void {
    if (!isLiteral(json)) this.read(json);
  }

  read(json: unknown): void {
    if (Array.isArray(json)) for (const item of json) this.read(item);
    if (!isNode(json)) return;
    const members = madeMembers(json);
    if (members !== undefined) {
      this.read(members);
      return;
    }
    const beside = comparing.map((operator) => json[operator]).find(isNode);
    // Of what stands above something only the name counts; of what it stands above, all between the two.
    const within = json['in'];
    const is = json['is'];
    if ('Value' in json) this.#take(json['Value']);
    else if (beside !== undefined) {
      this.#compared(beside['left']);
      this.#compared(beside['right']);
    } else if (isNode(within)) {
      this.read(within['left']);
      this.#compared(within['right']);
    } else if (isNode(is)) {
      if (is['in'] === undefined) this.#compared(is['left']);
      else this.read(is['left']);
      this.#compared(is['in']);
    } else for (const part of Object.values(json)) this.read(part);
  }
}

/**
 * The entities of which policies read what they are or stand in because they name them (`User::"ada".status`, `Group::"a" in Group::"b"`),
 * and not because a question is about them. What is not understood counts as reading.
 */
export function namedEntities(policies: Iterable<PolicyJson>): readonly EntityUid[] {
  const reader = new Reader();
  for (const { conditions } of policies) for (const { body } of conditions) reader.read(body);
  return [...reader.found.values()];
}
