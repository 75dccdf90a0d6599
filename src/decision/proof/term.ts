/** What a term stands for, as the solver sees it. Entities of each type are a sort of their own, without a bound on how many there are. */
export type Sort =
  | { readonly name: 'bool' | 'int' | 'text' | 'address' | 'prefix' }
  | { readonly name: 'entity'; readonly type: string };

export const boolSort: Sort = { name: 'bool' };
export const intSort: Sort = { name: 'int' };
export const textSort: Sort = { name: 'text' };
/** 128 bits; an IPv4 address stands in the lower 32. */
export const addressSort: Sort = { name: 'address' };
/** 8 bits. */
export const prefixSort: Sort = { name: 'prefix' };
export const entitySort = (type: string): Sort => ({ name: 'entity', type });

export const sortKey = (sort: Sort): string => (sort.name === 'entity' ? `entity ${sort.type}` : sort.name);

/** A part of a `like` pattern as Cedar's JSON has it. */
export type PatternPart = 'Wildcard' | { readonly Literal: string };

/** A function the solver is free to choose. `Meaning` says what it is of the request or the store. */
export interface SymbolOf<Meaning> {
  readonly id: number;
  readonly parameters: readonly Sort[];
  readonly sort: Sort;
  readonly meaning: Meaning;
}

type Operator =
  | 'not'
  | 'and'
  | 'or'
  | 'ite'
  | '='
  | '+'
  | '-'
  | '*'
  | '<'
  | '<='
  | 'div'
  | 'mod'
  | 'prefix<='
  | 'shift';

/** An expression of many-sorted logic. Two terms of one `Terms` are the same expression exactly when they are the same object. */
export type Term<Meaning> = { readonly id: number; readonly sort: Sort } & (
  | { readonly op: 'bool'; readonly value: boolean }
  | { readonly op: 'int' | 'bits'; readonly value: bigint }
  | { readonly op: 'text'; readonly value: string }
  | { readonly op: 'entity'; readonly value: string }
  | { readonly op: 'apply'; readonly symbol: SymbolOf<Meaning>; readonly args: readonly Term<Meaning>[] }
  | { readonly op: 'like'; readonly pattern: readonly PatternPart[]; readonly args: readonly Term<Meaning>[] }
  | { readonly op: Operator; readonly args: readonly Term<Meaning>[] }
);

/** The operands of a term. */
export function argumentsOf<M>(term: Term<M>): readonly Term<M>[] {
  return 'args' in term ? term.args : [];
}

export function isLiteral<M>(term: Term<M>): boolean {
  return 'value' in term;
}

type Shape<M> = Term<M> extends infer T ? (T extends Term<M> ? Omit<T, 'id'> : never) : never;

/** Makes terms, each once, simplified where that costs nothing: most of a policy vanishes under a known type of request. */
export class Terms<M> {
  readonly #byKey = new Map<string, Term<M>>();
  readonly #symbols = new Map<string, SymbolOf<M>>();
  readonly true: Term<M>;
  readonly false: Term<M>;

  constructor() {
    this.true = this.#intern('true', { op: 'bool', sort: boolSort, value: true });
    this.false = this.#intern('false', { op: 'bool', sort: boolSort, value: false });
  }

  #intern(key: string, shape: Shape<M>): Term<M> {
    let term = this.#byKey.get(key);
    if (term === undefined) {
      term = { ...shape, id: this.#byKey.size } as Term<M>;
      this.#byKey.set(key, term);
    }
    return term;
  }

  #operation(op: Operator, sort: Sort, args: readonly Term<M>[]): Term<M> {
    return this.#intern(`${op} ${args.map(({ id }) => id).join(' ')}`, { op, sort, args });
  }

  /** `key` names the symbol within this table; the solver never sees it. */
  symbol(key: string, make: () => Omit<SymbolOf<M>, 'id'>): SymbolOf<M> {
    let symbol = this.#symbols.get(key);
    if (symbol === undefined) {
      symbol = { id: this.#symbols.size, ...make() };
      this.#symbols.set(key, symbol);
    }
    return symbol;
  }

  apply(symbol: SymbolOf<M>, args: readonly Term<M>[] = []): Term<M> {
    const key = `apply ${symbol.id} ${args.map(({ id }) => id).join(' ')}`;
    return this.#intern(key, { op: 'apply', sort: symbol.sort, symbol, args });
  }

  bool(value: boolean): Term<M> {
    return value ? this.true : this.false;
  }

  int(value: bigint): Term<M> {
    return this.#intern(`int ${value}`, { op: 'int', sort: intSort, value });
  }

  bits(value: bigint, sort: Sort): Term<M> {
    return this.#intern(`bits ${sort.name} ${value}`, { op: 'bits', sort, value });
  }

  text(value: string): Term<M> {
    return this.#intern(`text ${value}`, { op: 'text', sort: textSort, value });
  }

  entity(type: string, id: string): Term<M> {
    return this.#intern(`entity ${type} ${id}`, { op: 'entity', sort: entitySort(type), value: id });
  }

  not(term: Term<M>): Term<M> {
    if (term.op === 'bool') return this.bool(!term.value);
    if (term.op === 'not') return term.args[0] ?? this.false;
    return this.#operation('not', boolSort, [term]);
  }

  and(...terms: readonly Term<M>[]): Term<M> {
    return this.#junction('and', terms);
  }

  or(...terms: readonly Term<M>[]): Term<M> {
    return this.#junction('or', terms);
  }

  /** `and` drops true and stops at false; `or` the other way round. */
  #junction(op: 'and' | 'or', terms: readonly Term<M>[]): Term<M> {
    const [neutral, deciding] = op === 'and' ? [this.true, this.false] : [this.false, this.true];
    const parts = new Set<Term<M>>();
    for (const term of terms) {
      for (const part of term.op === op ? term.args : [term]) {
        if (part === deciding || parts.has(this.not(part))) return deciding;
        if (part !== neutral) parts.add(part);
      }
    }
    const [only] = parts;
    if (only === undefined) return neutral;
    return parts.size === 1 ? only : this.#operation(op, boolSort, [...parts]);
  }

  implies(premise: Term<M>, conclusion: Term<M>): Term<M> {
    return this.or(this.not(premise), conclusion);
  }

  ite(test: Term<M>, yes: Term<M>, no: Term<M>): Term<M> {
    if (test.op === 'bool') return test.value ? yes : no;
    if (yes === no) return yes;
    if (yes.sort.name !== 'bool') return this.#operation('ite', yes.sort, [test, yes, no]);
    return this.and(this.or(this.not(test), yes), this.or(test, no));
  }

  /** Both of one sort. */
  eq(a: Term<M>, b: Term<M>): Term<M> {
    if (a === b) return this.true;
    if (isLiteral(a) && isLiteral(b)) return this.false;
    if (a.op === 'bool') return a.value ? b : this.not(b);
    if (b.op === 'bool') return b.value ? a : this.not(a);
    return this.#operation('=', boolSort, a.id < b.id ? [a, b] : [b, a]);
  }

  arithmetic(op: '+' | '-' | '*', a: Term<M>, b: Term<M>): Term<M> {
    if (a.op === 'int' && b.op === 'int') {
      return this.int(op === '+' ? a.value + b.value : op === '-' ? a.value - b.value : a.value * b.value);
    }
    return this.#operation(op, intSort, [a, b]);
  }

  /** Euclidean, as in SMT-LIB, by a positive constant. */
  divide(op: 'div' | 'mod', a: Term<M>, divisor: bigint): Term<M> {
    if (a.op === 'int') {
      const remainder = ((a.value % divisor) + divisor) % divisor;
      return this.int(op === 'mod' ? remainder : (a.value - remainder) / divisor);
    }
    return this.#operation(op, intSort, [a, this.int(divisor)]);
  }

  compare(op: '<' | '<=', a: Term<M>, b: Term<M>): Term<M> {
    if (a === b) return this.bool(op === '<=');
    if (a.op === 'int' && b.op === 'int') return this.bool(op === '<' ? a.value < b.value : a.value <= b.value);
    return this.#operation(op, boolSort, [a, b]);
  }

  /** Unsigned comparison of prefix lengths. */
  prefixAtMost(a: Term<M>, b: Term<M>): Term<M> {
    if (a.op === 'bits' && b.op === 'bits') return this.bool(a.value <= b.value);
    return this.#operation('prefix<=', boolSort, [a, b]);
  }

  /** The address without its lowest bits: shifted right by `width` minus the prefix length. */
  shiftAddress(address: Term<M>, { width, prefix }: { width: 32 | 128; prefix: Term<M> }): Term<M> {
    if (address.op === 'bits' && prefix.op === 'bits') {
      return this.bits(address.value >> (BigInt(width) - prefix.value), addressSort);
    }
    return this.#operation('shift', addressSort, [address, prefix, this.bits(BigInt(width), prefixSort)]);
  }

  like(text: Term<M>, pattern: readonly PatternPart[]): Term<M> {
    const key = `like ${text.id} ${JSON.stringify(pattern)}`;
    return this.#intern(key, { op: 'like', sort: boolSort, pattern, args: [text] });
  }
}
