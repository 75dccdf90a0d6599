import type { CedarType, SchemaModel } from './cedar-type.ts';
import type { RequestType } from './environments.ts';
import { outOfRange } from './integer-range.ts';
import type { Claim, Element, Term, Terms } from './meaning.ts';
import { EntityTerms } from './store-terms.ts';
import { argumentsOf, prefixSort } from './term.ts';

type Application = Extract<Term, { op: 'apply' }>;

/** Terms a question reaches, sorted by what the hypotheses need. */
class Reached {
  readonly applications = new Set<Application>();
  readonly claims = new Map<Claim, Term>();
  /** Elements of sets that are spoken of, by their type. */
  readonly elements = new Map<string, Map<string, Element>>();
  /** Entities whose place in the hierarchy is asked for, and those they are compared with. */
  readonly lowers = new Map<string, Set<Term>>();
  readonly uppers = new Map<string, Set<Term>>();
  readonly #seen = new Set<Term>();

  /** Was anything new? */
  add(root: Term): boolean {
    const before = this.#seen.size;
    const queue = [root];
    for (let term = queue.pop(); term !== undefined; term = queue.pop()) {
      if (this.#seen.has(term)) continue;
      this.#seen.add(term);
      queue.push(...argumentsOf(term));
      if (term.op === 'apply') this.#application(term);
    }
    return this.#seen.size > before;
  }

  #application(term: Application): void {
    this.applications.add(term);
    const { meaning } = term.symbol;
    if (meaning.kind === 'some') {
      this.claims.set(meaning.claim, term);
      for (const element of [meaning.claim.witness, ...meaning.claim.named])
        this.#element(meaning.claim.element, element);
    }
    if (meaning.kind === 'leaf' && meaning.part === 'member' && meaning.type.kind === 'set') {
      const owners = meaning.place.root === 'context' ? 0 : meaning.place.root === 'attribute' ? 1 : 2;
      this.#element(meaning.type.element, term.args.slice(owners));
    }
    const [lower, upper] = term.args;
    if (meaning.kind === 'above' && lower !== undefined && upper !== undefined) {
      put(this.lowers, meaning.lower, lower);
      put(this.uppers, meaning.upper, upper);
    }
  }

  #element(type: CedarType, element: Element): void {
    const key = typeKey(type);
    const known = this.elements.get(key) ?? new Map<string, Element>();
    known.set(element.map(({ id }) => id).join(' '), element);
    this.elements.set(key, known);
  }
}

export const typeKey = (type: CedarType): string => (type.kind === 'entity' ? `entity ${type.name}` : type.kind);

function put(map: Map<string, Set<Term>>, key: string, term: Term): void {
  const set = map.get(key) ?? new Set<Term>();
  set.add(term);
  map.set(key, set);
}

/** More terms than this and the question is not put to a solver at all. */
const hypothesisCountMax = 200_000;

/** A question that has grown beyond what a solver is asked. */
export class TooLarge extends Error {
  override readonly name = 'TooLarge';
}

/**
 * What is true of every request and store that fits the schema, as far as a question can tell: written out for the terms the question
 * reaches, and complete for those, because a store that agrees with them can be built from any answer (`read-model.ts`).
 * - Attributes have values of their types; enumerated entities are among those listed.
 * - What is above what is above me is above me; nothing is above itself; who is not known has nothing above.
 * - A claim about elements of sets holds exactly when some element that is spoken of, or its witness, makes it true.
 */
export function hypothesesFor(
  goals: readonly Term[],
  { schema, request, terms }: { schema: SchemaModel; request: RequestType; terms: Terms },
): Term[] {
  const entities = new EntityTerms(terms, { schema, request });
  const reached = new Reached();
  for (const goal of goals) reached.add(goal);
  const found = new Set<Term>();
  for (let isNew = true; isNew; ) {
    isNew = false;
    const stated = [
      ...[...reached.applications].flatMap((term) => wellTyped(term, { schema, request, terms })),
      ...hierarchy(reached, { schema, entities, terms }),
      ...[...reached.claims].flatMap(([claim, truth]) => claims(claim, { truth, reached, terms })),
    ];
    if (stated.length > hypothesisCountMax) throw new TooLarge('the question has too many terms');
    for (const hypothesis of stated) {
      if (hypothesis === terms.true || found.has(hypothesis)) continue;
      found.add(hypothesis);
      if (reached.add(hypothesis)) isNew = true;
    }
  }
  return [...found];
}

function wellTyped(
  term: Application,
  { schema, request, terms }: { schema: SchemaModel; request: RequestType; terms: Terms },
): Term[] {
  const { meaning } = term.symbol;
  const among = (type: string, ids: readonly string[]) =>
    terms.or(...ids.map((id) => terms.eq(term, terms.entity(type, id))));
  if (meaning.kind === 'action') {
    const [first] = request.actions;
    return first === undefined
      ? []
      : [
          among(
            first.type,
            request.actions.map(({ id }) => id),
          ),
        ];
  }
  if (term.sort.name === 'entity') {
    const ids = schema.entityTypes.get(term.sort.type)?.ids ?? null;
    return ids === null ? [] : [among(term.sort.type, ids)];
  }
  if (term.sort.name === 'int') return [terms.not(outOfRange(term, terms))];
  const isPart = (meaning.kind === 'leaf' || meaning.kind === 'witness') && meaning.family !== undefined;
  return isPart && ['v6', 'address', 'prefix'].includes(meaning.part) ? [validAddress(term, terms)] : [];
}

/** The three parts of an address agree: an IPv4 address has 32 bits. */
function validAddress(part: Application, terms: Terms): Term {
  const { meaning } = part.symbol;
  const family = meaning.kind === 'leaf' || meaning.kind === 'witness' ? meaning.family?.() : undefined;
  if (family === undefined) return terms.true;
  const [v6, address, prefix] = [family.v6, family.address, family.prefix].map((each) => terms.apply(each, part.args));
  if (v6 === undefined || address === undefined || prefix === undefined) return terms.true;
  const length = (bits: bigint) => terms.bits(bits, prefixSort);
  const upper = terms.shiftAddress(address, { width: 128, prefix: length(96n) });
  const isShort = terms.and(terms.eq(upper, terms.bits(0n, address.sort)), terms.prefixAtMost(prefix, length(32n)));
  return terms.and(terms.prefixAtMost(prefix, length(128n)), terms.or(v6, isShort));
}

function hierarchy(
  reached: Reached,
  { schema, entities, terms }: { schema: SchemaModel; entities: EntityTerms; terms: Terms },
): Term[] {
  const stated: Term[] = [];
  /** Is `upper` strictly above `lower`, as a function of the store? */
  const above = (lower: { type: string; term: Term }, upper: { type: string; term: Term }) =>
    entities.strictlyAbove(lower, upper);
  for (const [lowerType, lowers] of reached.lowers) {
    const ancestors = schema.entityTypes.get(lowerType)?.ancestors ?? new Set<string>();
    for (const term of lowers) {
      const lower = { type: lowerType, term };
      if (ancestors.has(lowerType)) stated.push(terms.not(above(lower, lower)));
      for (const middleType of ancestors) {
        for (const middle of reached.lowers.get(middleType) ?? []) {
          stated.push(...transitive(lower, { type: middleType, term: middle }));
        }
      }
      for (const upper of uppersOf(lowerType))
        stated.push(terms.implies(above(lower, upper), entities.exists(lowerType, term)));
    }
  }
  return stated;

  function uppersOf(type: string): { type: string; term: Term }[] {
    const types = [...(schema.entityTypes.get(type)?.ancestors ?? [])];
    return types.flatMap((upper) =>
      [...new Set([...(reached.uppers.get(upper) ?? []), ...(reached.lowers.get(upper) ?? [])])].map((term) => ({
        type: upper,
        term,
      })),
    );
  }

  function transitive(lower: { type: string; term: Term }, middle: { type: string; term: Term }): Term[] {
    if (lower.term === middle.term) return [];
    return uppersOf(middle.type).map((upper) =>
      terms.implies(terms.and(above(lower, middle), above(middle, upper)), above(lower, upper)),
    );
  }
}

function claims(claim: Claim, { truth, reached, terms }: { truth: Term; reached: Reached; terms: Terms }): Term[] {
  const universe = [...(reached.elements.get(typeKey(claim.element))?.values() ?? [])];
  return [
    terms.implies(truth, claim.of(claim.witness)),
    ...universe.map((element) => terms.implies(claim.of(element), truth)),
  ];
}
