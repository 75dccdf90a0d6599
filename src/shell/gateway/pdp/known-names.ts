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

const sortedKinds = ['user', 'resource', 'entity'] as const;
type SortedKind = (typeof sortedKinds)[number];

/** Finds people by what other programs call them, and lists ids in order; kept as facts change. */
export class KnownNames {
  readonly #facts: FactView;
  /** Users by id, login name and e-mail address in small letters. */
  readonly #users = new Map<string, Set<string>>();
  readonly #names = new Map<string, readonly string[]>();
  readonly #sorted = new Map<SortedKind, readonly string[]>();

  constructor(facts: Watched) {
    this.#facts = facts;
    for (const [id] of facts.all('user')) this.#learn(id);
    facts.onChange((changes) => {
      for (const { kind, id, before, after } of changes) {
        if (kind === 'user') {
          this.#forget(id);
          if (after !== null) this.#learn(id);
        }
        if ((before === null) !== (after === null)) this.#sorted.delete(kind as SortedKind);
      }
    });
  }

  /**
   * The one user with this id, login name or e-mail address. A name that could mean two people means nobody: else who chooses
   * their own login name or address could be taken for somebody else.
   */
  findUser(name: string): string | undefined {
    const found = this.#users.get(name) ?? this.#users.get(name.toLowerCase());
    if (found === undefined || found.size !== 1) return undefined;
    const [id] = found;
    return id;
  }

  /** All ids of a kind in the order of their characters. */
  sorted(kind: SortedKind): readonly string[] {
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
    const names = [...new Set([id, user.name, user.email?.toLowerCase() ?? id])];
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
