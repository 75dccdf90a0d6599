import { lowerAscii } from '#foundation/encoding';
import type { FactKind, FactView } from '#foundation/model';

/** What this needs to hear of a fact that changed. */
interface Change {
  readonly kind: FactKind;
  readonly id: string;
  readonly before: { readonly body: unknown } | null;
  readonly after: { readonly body: unknown } | null;
}

interface Watched extends FactView {
  onChange(listener: (changes: readonly Change[]) => void): unknown;
}

/** Finds people by what other programs call them, and lists ids in order; kept as facts change. */
export class KnownNames {
  readonly #facts: FactView;
  /** Users by id, login name and e-mail address, this in small letters (of ASCII: others are not folded). */
  readonly #users = new Map<string, Set<string>>();
  readonly #names = new Map<string, readonly string[]>();
  readonly #sorted = new Map<FactKind, readonly string[]>();
  /** Ids of stored entities by type. */
  #entities: Map<string, string[]> | null = null;

  constructor(facts: Watched) {
    this.#facts = facts;
    for (const [id] of facts.all('user')) this.#learn(id);
    facts.onChange((changes) => {
      for (const { kind, id, before, after } of changes) {
        if (kind === 'user') {
          this.#forget(id);
          if (after !== null) this.#learn(id);
        }
        if ((before === null) === (after === null)) continue;
        this.#sorted.delete(kind);
        if (kind === 'entity') this.#entities = null;
      }
    });
  }

  /**
   * The one user with this id, login name or e-mail address. A name that could mean two people means nobody: else who chooses
   * their own login name or address could be taken for somebody else.
   */
  findUser(name: string): string | undefined {
    const found = this.#meant(name);
    if (found === undefined || found.size !== 1) return undefined;
    const [id] = found;
    return id;
  }

  /** Could this name mean two people, or more? */
  isAmbiguous(name: string): boolean {
    return (this.#meant(name)?.size ?? 0) > 1;
  }

  #meant(name: string): ReadonlySet<string> | undefined {
    return this.#users.get(name) ?? this.#users.get(lowerAscii(name));
  }

  /** Ids of the stored entities of one type, in the order of their characters. */
  entities(type: string): readonly string[] {
    if (this.#entities === null) {
      this.#entities = new Map();
      for (const [, { uid }] of this.#facts.all('entity')) {
        const ids = this.#entities.get(uid.type);
        if (ids === undefined) this.#entities.set(uid.type, [uid.id]);
        else ids.push(uid.id);
      }
      for (const ids of this.#entities.values()) ids.sort();
    }
    return this.#entities.get(type) ?? [];
  }

  /** All ids of a kind in the order of their characters. */
  sorted(kind: 'user' | 'resource'): readonly string[] {
    let ids = this.#sorted.get(kind);
    if (ids === undefined) {
      ids = [...this.#facts.all(kind)].map(([id]) => id).sort();
      this.#sorted.set(kind, ids);
    }
    return ids;
  }

  #learn(id: string): void {
    const user = this.#facts.get('user', id);
    if (user === undefined) return;
    const names = [...new Set([id, user.name, user.email === null ? id : lowerAscii(user.email)])];
    this.#names.set(id, names);
    for (const name of names) {
      const ids = this.#users.get(name);
      if (ids === undefined) this.#users.set(name, new Set([id]));
      else ids.add(id);
    }
  }

  #forget(id: string): void {
    for (const name of this.#names.get(id) ?? []) {
      const ids = this.#users.get(name);
      ids?.delete(id);
      if (ids?.size === 0) this.#users.delete(name);
    }
    this.#names.delete(id);
  }
}
