import { operatorUid } from '#decision/administration';
import type { Problem } from '#decision/engine';
// Types alone: the room itself is loaded by the parsing process.
import type { NamedEntity } from '#decision/parser';
import { type EntityUid, type FactView, formatUid } from '#foundation/model';
import { nearestWord } from '../config/nearest.ts';

type Facts = Pick<FactView, 'get' | 'all'>;

/** Kinds of facts that policies name, as people call one of them. Of other types nothing is known, so nothing is missing. */
const kinds = {
  group: 'no such group',
  segment: 'no such segment',
  resource: 'no such app',
  user: 'nobody of this id',
  grant: 'no such grant',
  token: 'no token that acts as it',
  entity: 'no such entity',
} as const;
export type NamingKind = keyof typeof kinds;

const kindOfType: ReadonlyMap<string, NamingKind> = new Map([
  ['Group', 'group'],
  ['Segment', 'segment'],
  ['App', 'resource'],
  ['User', 'user'],
  ['Grant', 'grant'],
  ['Workload', 'token'],
]);

function kindOf({ type }: EntityUid): NamingKind | undefined {
  return type.includes('::') ? 'entity' : kindOfType.get(type);
}

/** What no fact says, or what comes with the program and may be switched off. */
const alwaysThere: ReadonlySet<string> = new Set(
  [{ type: 'Group', id: 'everyone' }, { type: 'App', id: 'demo' }, operatorUid].map(formatUid),
);

/** Warnings that are told at once. */
export const missingMax = 100;
/** Facts that are looked through for one kind of name, and letters that are compared: policies are checked while somebody types. */
const factsMax = 100_000;
const comparisonsMax = 4_000_000;

/** The names of one kind, also those that stand in other facts alone: who is in a group that no fact describes is in it all the same. */
function* namesIn(facts: Facts, kind: NamingKind): Generator<EntityUid | undefined> {
  switch (kind) {
    case 'group':
      for (const [id, { memberOf }] of facts.all('group'))
        for (const each of [id, ...memberOf]) yield { type: 'Group', id: each };
      for (const [, { groups }] of facts.all('user')) {
        yield undefined;
        for (const id of groups) yield { type: 'Group', id };
      }
      return;
    case 'segment':
      for (const [id, { within }] of facts.all('segment'))
        for (const each of [id, within]) if (each !== null) yield { type: 'Segment', id: each };
      for (const [, { segment }] of facts.all('resource'))
        yield segment === null ? undefined : { type: 'Segment', id: segment };
      return;
    case 'token':
      for (const [, { owner }] of facts.all('token')) yield owner.type === 'Workload' ? owner : undefined;
      return;
    case 'entity':
      for (const [, { uid, parents }] of facts.all('entity')) {
        yield uid;
        yield* parents;
      }
      return;
    case 'resource':
      for (const [id] of facts.all('resource')) yield { type: 'App', id };
      return;
    // Their ids are made by us: nobody mistypes one for another.
    case 'user':
    case 'grant':
      return;
  }
}

/** Ids by type; undefined where there are too many facts to look through. */
type Known = ReadonlyMap<string, ReadonlySet<string>> | undefined;

function known(facts: Facts, kind: NamingKind): Known {
  const names = new Map<string, Set<string>>();
  let left = factsMax;
  for (const uid of namesIn(facts, kind)) {
    left -= 1;
    if (left < 0) return undefined;
    if (uid === undefined) continue;
    const ids = names.get(uid.type) ?? new Set();
    names.set(uid.type, ids.add(uid.id));
  }
  return names;
}

/** Looks names up in the facts of one moment. */
class Names {
  readonly #facts: Facts;
  readonly #known = new Map<NamingKind, Known>();
  #comparisons = comparisonsMax;

  constructor(facts: Facts) {
    this.#facts = facts;
  }

  isMissing(uid: EntityUid, kind: NamingKind): boolean {
    if (alwaysThere.has(formatUid(uid))) return false;
    // A token is no workload: several may act as one.
    if (kind !== 'token' && this.#facts.get(kind, kind === 'entity' ? formatUid(uid) : uid.id) !== undefined)
      return false;
    if (kind === 'user' || kind === 'grant') return true;
    const names = this.#names(kind);
    if (names === undefined) return false;
    // An application that keeps nothing of a type here tells of it with each question.
    if (kind === 'entity' && !names.has(uid.type)) return false;
    return names.get(uid.type)?.has(uid.id) !== true;
  }

  /** The entity that was meant, most likely; undefined where none is near. */
  meant({ type, id }: EntityUid, kind: NamingKind): EntityUid | undefined {
    if (kind === 'user') {
      const wanted = id.toLowerCase();
      let left = factsMax;
      for (const [user, { name }] of this.#facts.all('user')) {
        if (name === wanted) return { type, id: user };
        left -= 1;
        if (left < 0) break;
      }
      return undefined;
    }
    const nearest = nearestWord(id, this.#comparable(id, this.#names(kind)?.get(type) ?? []));
    return nearest === undefined ? undefined : { type, id: nearest };
  }

  #names(kind: NamingKind): Known {
    if (!this.#known.has(kind)) this.#known.set(kind, known(this.#facts, kind));
    return this.#known.get(kind);
  }

  *#comparable(word: string, ids: Iterable<string>): Generator<string> {
    for (const id of ids) {
      if (id.length > 2 * word.length + 2) continue;
      this.#comparisons -= Math.min(word.length, 100) * id.length;
      if (this.#comparisons < 0) return;
      yield id;
    }
  }
}

/**
 * Warnings about entities that policies and invariants name and that are not there now: a misspelt group guards nobody. Nothing is refused for
 * it, because facts come and go. `mayRead`: which names whoever asks may know of; of others nothing is said.
 */
export function missingEntities(
  facts: Facts,
  { named, mayRead }: { named: readonly NamedEntity[]; mayRead: (kind: NamingKind) => boolean },
): Problem[] {
  const names = new Names(facts);
  const readable = new Map<NamingKind, boolean>();
  const warnings: Problem[] = [];
  for (const { uid, by, id, file, line, column } of named) {
    const kind = kindOf(uid);
    if (kind === undefined) continue;
    if (!readable.has(kind)) readable.set(kind, mayRead(kind));
    if (readable.get(kind) !== true || !names.isMissing(uid, kind)) continue;
    if (warnings.length >= missingMax) break;
    const meant = names.meant(uid, kind);
    warnings.push({
      level: 'warning',
      code: 'missing-entity',
      message: `${by} \`${id}\` names \`${formatUid(uid)}\`, and there is ${kinds[kind]} now`,
      ...(meant === undefined ? {} : { hint: hintOf(uid, meant) }),
      ...{ file, line, column },
    });
  }
  return warnings;
}

function hintOf({ type, id }: EntityUid, meant: EntityUid): string {
  const words = `did you mean \`${formatUid(meant)}\``;
  return type === 'User' ? `${words}, which is the id of \`${id.toLowerCase()}\`?` : `${words}?`;
}
