// What a term of the encoder is in one real request and store: a slow, obvious reading of `Meaning`, without any solver.
import {
  callExtension,
  Datetime,
  Decimal,
  type DecisionRequest,
  Duration,
  type EntityJson,
  IpNet,
  type LosslessJson,
} from '#decision/engine';
import type { EntityUid } from '#foundation/model';
import type { CedarType } from './cedar-type.ts';
import type { Claim, Element, Meaning, Part, Term, Terms } from './meaning.ts';
import { addressSort, argumentsOf, type PatternPart, prefixSort } from './term.ts';

export type Ground = boolean | bigint | string;
type Json = { readonly [name: string]: LosslessJson };

const keyOf = ({ type, id }: EntityUid) => JSON.stringify([type, id]);

function ip(json: LosslessJson): IpNet {
  const { fn, arg } = (json as { __extn: { fn: string; arg: string } }).__extn;
  const value = callExtension(fn, [arg]);
  if (!(value instanceof IpNet)) throw new Error('not an address');
  return value;
}

function uidOf(json: LosslessJson): EntityUid | undefined {
  return (json as unknown as { readonly __entity?: EntityUid }).__entity;
}

function simple(type: CedarType, json: LosslessJson): Ground {
  if (type.kind === 'bool' || type.kind === 'string') return json as Ground;
  if (type.kind === 'long') return BigInt(json as number | bigint);
  if (type.kind === 'entity') return uidOf(json)?.id ?? '';
  const { fn, arg } = (json as { __extn: { fn: string; arg: string } }).__extn;
  const value = callExtension(fn, [arg]);
  if (value instanceof Decimal) return value.scaled;
  if (value instanceof Datetime || value instanceof Duration) return BigInt(value.ms);
  throw new Error('not a simple value');
}

/** The parts of an element of a set. */
function elementOf(type: CedarType, json: LosslessJson): Ground[] {
  if (type.kind !== 'ipaddr') return [simple(type, json)];
  const { bits, address, prefix } = ip(json);
  return [bits === 128, BigInt(address), BigInt(prefix)];
}

function matches(text: string, pattern: readonly PatternPart[]): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return text === '';
  if (first !== 'Wildcard') return text.startsWith(first.Literal) && matches(text.slice(first.Literal.length), rest);
  return Array.from({ length: text.length + 1 }, (_, at) => at).some((at) => matches(text.slice(at), rest));
}

/** Values where there is none: of the type, as the hypotheses ask. */
function junk(type: CedarType, part: Part): Ground {
  if (part === 'present' || part === 'member') return false;
  if (part === 'v6') return true;
  if (part === 'address' || part === 'prefix') return 0n;
  if (type.kind === 'bool') return false;
  if (type.kind === 'string') return '';
  return type.kind === 'entity' ? (type.name === 'E' ? 'x' : 'nobody') : 0n;
}

export class GroundTruth {
  readonly #request: DecisionRequest;
  readonly #entities: ReadonlyMap<string, EntityJson>;
  readonly #terms: Terms;
  readonly #known = new Map<Term, Ground>();
  /** The witness chosen for each claim, by the symbol of its parts. */
  readonly #witnesses = new Map<number, Ground>();
  readonly #claims = new Map<Claim, boolean>();

  constructor(request: DecisionRequest, terms: Terms) {
    this.#request = request;
    this.#terms = terms;
    this.#entities = new Map(request.entities.map((entity) => [keyOf(entity.uid), entity]));
  }

  of(term: Term): Ground {
    let value = this.#known.get(term);
    if (value === undefined) {
      value = this.#evaluate(term);
      this.#known.set(term, value);
    }
    return value;
  }

  #evaluate(term: Term): Ground {
    if ('value' in term) return term.value;
    if (term.op === 'apply')
      return this.#apply(term.symbol.meaning, { term, args: term.args.map((each) => this.of(each)) });
    const args = argumentsOf(term);
    if (term.op === 'and') return args.every((each) => this.of(each));
    if (term.op === 'or') return args.some((each) => this.of(each));
    if (term.op === 'ite') return this.of(args[this.of(args[0] as Term) ? 1 : 2] as Term);
    const values = args.map((each) => this.of(each));
    const [a, b, c] = values as [bigint, bigint, bigint];
    switch (term.op) {
      case 'not':
        return !values[0];
      case '=':
        return values[0] === values[1];
      case '+':
        return a + b;
      case '-':
        return a - b;
      case '*':
        return a * b;
      case '<':
        return a < b;
      case '<=':
      case 'prefix<=':
        return a <= b;
      case 'mod':
        return ((a % b) + b) % b;
      case 'div':
        return (a - (((a % b) + b) % b)) / b;
      case 'shift':
        return c < b ? 0n : a >> (c - b);
      default:
        return term.op === 'like' && matches(String(values[0]), term.pattern);
    }
  }

  #entity(type: string, id: Ground | undefined): EntityJson | undefined {
    return this.#entities.get(keyOf({ type, id: String(id) }));
  }

  #above(uid: EntityUid): Set<string> {
    const found = new Set<string>();
    const queue = [...(this.#entities.get(keyOf(uid))?.parents ?? [])];
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      if (!found.has(keyOf(next))) queue.push(...(this.#entities.get(keyOf(next))?.parents ?? []));
      found.add(keyOf(next));
    }
    return found;
  }

  #apply(meaning: Meaning, { term, args }: { term: Extract<Term, { op: 'apply' }>; args: readonly Ground[] }): Ground {
    const [first, second] = args;
    switch (meaning.kind) {
      case 'principal':
      case 'action':
      case 'resource':
        return this.#request[meaning.kind].id;
      case 'exists':
        return this.#entity(meaning.type, first) !== undefined;
      case 'above':
        return this.#above({ type: meaning.lower, id: String(first) }).has(
          keyOf({ type: meaning.upper, id: String(second) }),
        );
      case 'has-tag':
        return Object.hasOwn(this.#entity(meaning.type, first)?.tags ?? {}, String(second));
      case 'leaf':
        return this.#leaf(meaning, args);
      case 'some':
        return this.#claim(meaning.claim);
      case 'witness': {
        const chosen = this.#witnesses.get(term.symbol.id);
        if (chosen === undefined) throw new Error('a witness without its claim');
        return chosen;
      }
      default:
        throw new Error('a gap has no truth');
    }
  }

  #leaf({ place, part, type }: Extract<Meaning, { kind: 'leaf' }>, args: readonly Ground[]): Ground {
    const ownerCount = { context: 0, attribute: 1, tag: 2 }[place.root];
    const entity = ownerCount === 0 ? undefined : this.#entity(place.type, args[0]);
    let value: LosslessJson | undefined =
      place.root === 'context'
        ? this.#request.context
        : place.root === 'attribute'
          ? entity?.attrs
          : entity?.tags?.[String(args[1])];
    for (const name of place.path) value = value === undefined ? undefined : (value as Json)[name];
    if (part === 'present') return value !== undefined;
    if (value === undefined) return junk(type, part);
    if (part === 'member') {
      const wanted = args.slice(ownerCount);
      const element = type.kind === 'set' ? type.element : type;
      return (value as readonly LosslessJson[]).some((item) =>
        elementOf(element, item).every((each, index) => each === wanted[index]),
      );
    }
    if (part === 'value') return simple(type, value);
    const { bits, address, prefix } = ip(value);
    return part === 'v6' ? bits === 128 : part === 'address' ? BigInt(address) : BigInt(prefix);
  }

  /** Elements of any set there is, and those the claim names. */
  #candidates(claim: Claim): Ground[][] {
    const sets: LosslessJson[] = [];
    const visit = (json: LosslessJson): void => {
      if (Array.isArray(json)) sets.push(...(json as LosslessJson[]));
      if (typeof json === 'object' && json !== null) Object.values(json).forEach(visit);
    };
    visit(this.#request.context as LosslessJson);
    for (const { attrs } of this.#entities.values()) visit(attrs as LosslessJson);
    const found = claim.named.map((element) => element.map((part) => this.of(part)));
    for (const json of sets) {
      const kind = typeof json === 'object' && json !== null ? ('__entity' in json ? 'entity' : 'ipaddr') : typeof json;
      const wanted = { long: 'number', string: 'string' }[claim.element.kind as string] ?? claim.element.kind;
      const isOfKind = kind === wanted || (kind === 'bigint' && wanted === 'number');
      const isOfType = claim.element.kind !== 'entity' || uidOf(json)?.type === claim.element.name;
      if (isOfKind && isOfType) found.push(elementOf(claim.element, json));
    }
    return found;
  }

  #literal(type: CedarType, parts: readonly Ground[]): Element {
    const terms = this.#terms;
    const [first, second, third] = parts;
    if (type.kind === 'ipaddr') {
      return [
        terms.bool(first === true),
        terms.bits(second as bigint, addressSort),
        terms.bits(third as bigint, prefixSort),
      ];
    }
    if (type.kind === 'entity') return [terms.entity(type.name, String(first))];
    if (typeof first === 'bigint') return [terms.int(first)];
    return [typeof first === 'boolean' ? terms.bool(first) : terms.text(String(first))];
  }

  #claim(claim: Claim): boolean {
    const known = this.#claims.get(claim);
    if (known !== undefined) return known;
    const found = this.#candidates(claim).find(
      (parts) => this.of(claim.of(this.#literal(claim.element, parts))) === true,
    );
    const parts = claim.element.kind === 'ipaddr' ? (['v6', 'address', 'prefix'] as const) : (['value'] as const);
    claim.witness.forEach((term, index) => {
      if (term.op === 'apply')
        this.#witnesses.set(term.symbol.id, found?.[index] ?? junk(claim.element, parts[index] ?? 'value'));
    });
    this.#claims.set(claim, found !== undefined);
    return found !== undefined;
  }
}
