import { EntityRef } from './entity-ref.ts';
import { NameTable } from './name-table.ts';

/** V8's JSON parser gives the same object for equal texts of up to so many characters. */
const parsedOnceMax = 10;

/**
 * The object that requests parsed from JSON bring too. A name is then found by comparing addresses, without fetching the
 * text that the table holds.
 */
function asParsed(id: string): string {
  return id.length <= parsedOnceMax ? (JSON.parse(JSON.stringify(id)) as string) : id;
}

/** Gives one `EntityRef` per type and id. */
export class EntityNames {
  readonly #byType = new Map<string, NameTable>();

  /** How many there are. */
  get count(): number {
    let count = 0;
    for (const ids of this.#byType.values()) count += ids.size;
    return count;
  }

  find(type: string, id: string): EntityRef | undefined {
    return this.#byType.get(type)?.get(id);
  }

  *all(): Generator<EntityRef> {
    for (const ids of this.#byType.values()) yield* ids.values();
  }

  /** The table of one type, for those who ask often. It stays the same object. */
  ofType(type: string): Pick<NameTable, 'get'> {
    return this.#table(type);
  }

  #table(type: string): NameTable {
    let ids = this.#byType.get(type);
    if (ids === undefined) {
      ids = new NameTable();
      this.#byType.set(type, ids);
    }
    return ids;
  }

  ref(type: string, id: string): EntityRef {
    const ids = this.#table(type);
    let ref = ids.get(id);
    if (ref === undefined) {
      ref = new EntityRef(type, asParsed(id));
      ids.add(ref);
    }
    return ref;
  }

  /** Only for a name that nobody holds any more: whoever asks again gets another object. */
  forget(ref: EntityRef): void {
    const ids = this.#table(ref.type);
    if (ids.get(ref.id) === ref) ids.delete(ref);
  }
}
