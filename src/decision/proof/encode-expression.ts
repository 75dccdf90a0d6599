import type { CedarType, SchemaModel } from './cedar-type.ts';
import { encodeExtension } from './encode-extension.ts';
import type { RequestType } from './environments.ts';
import { outOfRange } from './integer-range.ts';
import { literalValue } from './literal-value.ts';
import type { Term, Terms } from './meaning.ts';
import { EntityTerms, requestTerms, type StoreTerms } from './store-terms.ts';
import { type SymbolicRecord, type SymbolicValue, Unencodable } from './symbolic-value.ts';
import { boolSort, type PatternPart } from './term.ts';
import { chooseValue, contains, equalValues, isNotEmpty, isSubset, listedSet, overlaps } from './value-operations.ts';

/** What an expression gives: an error, or else a value. Where `error` holds, the value means nothing. */
export interface Outcome {
  readonly value: SymbolicValue;
  readonly error: Term;
}

type Json = { readonly [name: string]: unknown };
const integerKinds = ['long', 'datetime', 'duration'] as const;

/**
 * Encodes expressions of Cedar's JSON policy format under one type of request, with Cedar's order of evaluation and its errors.
 * What cannot be encoded exactly becomes a truth value about which nothing is known, with a `Gap` to its name: nothing is proved by it.
 */
export class ExpressionEncoder {
  readonly terms: Terms;
  readonly entities: EntityTerms;
  readonly request: StoreTerms;
  readonly #none: SymbolicValue = { kind: 'none' };
  #policy = '';
  #gapCount = 0;

  constructor(terms: Terms, { schema, request }: { schema: SchemaModel; request: RequestType }) {
    this.terms = terms;
    this.entities = new EntityTerms(terms, { schema, request });
    this.request = requestTerms(request, terms);
  }

  /** A condition of a policy. Never throws Unencodable. */
  condition(expression: unknown, policy: string): { holds: Term; error: Term } {
    this.#policy = policy;
    return this.#truth(expression);
  }

  #truth(expression: unknown): { holds: Term; error: Term } {
    try {
      const { value, error } = this.encode(expression);
      if (value.kind === 'bool') return { holds: value.term, error };
      return { holds: this.terms.false, error: this.terms.true };
    } catch (error) {
      if (!(error instanceof Unencodable)) throw error;
      return { holds: this.#gap(error.construct), error: this.#gap(error.construct) };
    }
  }

  #gap(construct: string): Term {
    this.#gapCount += 1;
    const gap = { construct, policy: this.#policy };
    const symbol = this.terms.symbol(`gap ${this.#gapCount}`, () => ({
      parameters: [],
      sort: boolSort,
      meaning: { kind: 'gap', gap },
    }));
    return this.terms.apply(symbol);
  }

  /** Throws Unencodable. */
  encode(expression: unknown): Outcome {
    const entry = Object.entries(expression as Json)[0];
    if (entry === undefined) return this.#failed();
    const [operator, operand] = entry;
    const known = Object.hasOwn(this.#operators, operator) ? this.#operators[operator] : undefined;
    if (known !== undefined) return known(operand);
    const args = Array.isArray(operand) ? (operand as unknown[]) : [];
    const literal = (args[0] as Json | undefined)?.['Value'];
    if (
      args.length === 1 &&
      typeof literal === 'string' &&
      ['ip', 'decimal', 'datetime', 'duration'].includes(operator)
    ) {
      return this.#literal({ __extn: { fn: operator, arg: literal } });
    }
    const { values, error } = this.#all(args);
    if (error === this.terms.true) return this.#failed();
    const found = encodeExtension(operator, { values, terms: this.terms });
    return { value: found.value, error: this.terms.or(error, found.error) };
  }

  #failed(): Outcome {
    return { value: this.#none, error: this.terms.true };
  }

  #all(expressions: readonly unknown[]): { values: SymbolicValue[]; error: Term } {
    const outcomes = expressions.map((expression) => this.encode(expression));
    return { values: outcomes.map(({ value }) => value), error: this.terms.or(...outcomes.map(({ error }) => error)) };
  }

  #literal(json: unknown): Outcome {
    const value = literalValue(json, this.terms);
    return value === undefined ? this.#failed() : { value, error: this.terms.false };
  }

  #bool(term: Term, error: Term): Outcome {
    return { value: { kind: 'bool', term }, error };
  }

  /** Evaluates operands of any kind and hands them on; an operand that always fails ends it. */
  #with(operand: unknown, run: (values: readonly SymbolicValue[]) => Outcome): Outcome {
    const { left, right, arg } = operand as Json;
    const { values, error } = this.#all(arg === undefined ? [left, right] : [arg]);
    if (error === this.terms.true) return this.#failed();
    const outcome = run(values);
    return { value: outcome.value, error: this.terms.or(error, outcome.error) };
  }

  #both(operand: unknown, stop: boolean): Outcome {
    const { terms } = this;
    const { left, right } = operand as Json;
    const first = this.#truth(left);
    const isDone = first.holds === terms.bool(stop) || first.error === terms.true;
    if (isDone) return this.#bool(first.holds, first.error);
    const second = this.#truth(right);
    const reached = stop ? terms.not(first.holds) : first.holds;
    return this.#bool(
      stop ? terms.or(first.holds, second.holds) : terms.and(first.holds, second.holds),
      terms.or(first.error, terms.and(reached, second.error)),
    );
  }

  #choose(operand: unknown): Outcome {
    const { terms } = this;
    const parts = operand as { if: unknown; then: unknown; else: unknown };
    const { holds: test, error } = this.#truth(parts.if);
    if (error === terms.true) return this.#failed();
    if (test.op === 'bool') {
      const taken = this.encode(test.value ? parts.then : parts.else);
      return { value: taken.value, error: terms.or(error, taken.error) };
    }
    const [yes, no] = [this.encode(parts.then), this.encode(parts.else)];
    return {
      value: chooseValue(test, { yes: yes.value, no: no.value, terms }),
      error: terms.or(error, terms.ite(test, yes.error, no.error)),
    };
  }

  #compare(operand: unknown, { op, isSwapped }: { op: '<' | '<='; isSwapped: boolean }): Outcome {
    return this.#with(operand, ([a, b]) => {
      const kind = integerKinds.find((each) => a?.kind === each && b?.kind === each);
      if (kind === undefined || a?.kind !== kind || b?.kind !== kind) return this.#failed();
      const [left, right] = isSwapped ? [b.term, a.term] : [a.term, b.term];
      return this.#bool(this.terms.compare(op, left, right), this.terms.false);
    });
  }

  #arithmetic(op: '+' | '-' | '*', values: readonly SymbolicValue[]): Outcome {
    const [a, b] = values;
    if (a?.kind !== 'long' || b?.kind !== 'long') return this.#failed();
    const term = this.terms.arithmetic(op, a.term, b.term);
    return { value: { kind: 'long', term }, error: outOfRange(term, this.terms) };
  }

  #attribute(value: SymbolicValue, name: string): { present: Term; value: () => SymbolicValue } | undefined {
    if (value.kind === 'entity') return this.entities.attribute(value.type, value.term, name);
    return value.kind === 'record' ? value.attributes.get(name) : undefined;
  }

  #get(operand: unknown): Outcome {
    const { left, attr: name } = operand as { left: unknown; attr: string };
    const { value, error } = this.encode(left);
    const found = error === this.terms.true ? undefined : this.#attribute(value, name);
    if (found === undefined || found.present === this.terms.false) return this.#failed();
    return { value: found.value(), error: this.terms.or(error, this.terms.not(found.present)) };
  }

  #has(operand: unknown): Outcome {
    const { left, attr } = operand as { left: unknown; attr: string | readonly string[] };
    const subject = this.encode(left);
    if (subject.error === this.terms.true) return this.#failed();
    let { value } = subject;
    let present = this.terms.true;
    let error = subject.error;
    for (const name of typeof attr === 'string' ? [attr] : attr) {
      if (value.kind !== 'entity' && value.kind !== 'record') {
        // Only reached when everything before it is there.
        error = this.terms.or(error, present);
        break;
      }
      const found = this.#attribute(value, name);
      present = this.terms.and(present, found?.present ?? this.terms.false);
      if (found === undefined || present === this.terms.false) break;
      value = found.value();
    }
    return this.#bool(present, error);
  }

  #is(operand: unknown): Outcome {
    const { left, entity_type: type, in: above } = operand as { left: unknown; entity_type: string; in?: unknown };
    const { value, error } = this.encode(left);
    if (error === this.terms.true || value.kind !== 'entity') return this.#failed();
    if (above === undefined || value.type !== type) return this.#bool(this.terms.bool(value.type === type), error);
    const upper = this.encode(above);
    const within = this.#within(value, upper.value);
    return { value: within.value, error: this.terms.or(error, upper.error, within.error) };
  }

  #within(lower: SymbolicValue | undefined, upper: SymbolicValue | undefined): Outcome {
    if (lower?.kind !== 'entity') return this.#failed();
    if (upper?.kind === 'entity') return this.#bool(this.entities.isIn(lower, upper), this.terms.false);
    if (upper?.kind !== 'set') return this.#failed();
    const { set } = upper;
    const isEntities = set.listed?.every(({ kind }) => kind === 'entity') ?? isEntityType(set.element);
    // An empty set of something else would be no error; no strict schema lets it come to that.
    if (!isEntities) throw new Unencodable('`in` with a set of something other than entities');
    return this.#bool(this.entities.isInAny(lower, set), this.terms.false);
  }

  #sets(
    operand: unknown,
    run: (a: SymbolicValue & { kind: 'set' }, b: SymbolicValue & { kind: 'set' }) => Term,
  ): Outcome {
    return this.#with(operand, ([a, b]) =>
      a?.kind === 'set' && b?.kind === 'set' ? this.#bool(run(a, b), this.terms.false) : this.#failed(),
    );
  }

  #tag(operand: unknown, isGet: boolean): Outcome {
    return this.#with(operand, ([entity, key]) => {
      if (entity?.kind !== 'entity' || key?.kind !== 'string') return this.#failed();
      const present = this.entities.hasTag(entity.type, entity.term, key.term);
      if (!isGet) return this.#bool(present, this.terms.false);
      if (present === this.terms.false) return this.#failed();
      return { value: this.entities.tag(entity.type, entity.term, key.term), error: this.terms.not(present) };
    });
  }

  #record(operand: unknown): Outcome {
    const entries = Object.entries(operand as Json).map(([name, item]) => [name, this.encode(item)] as const);
    const value: SymbolicRecord = {
      kind: 'record',
      attributes: new Map(
        entries.map(([name, { value: item }]) => [name, { present: this.terms.true, value: () => item }]),
      ),
    };
    return { value, error: this.terms.or(...entries.map(([, { error }]) => error)) };
  }

  readonly #operators: Readonly<Record<string, (operand: unknown) => Outcome>> = {
    Value: (json) => this.#literal(json),
    Var: (name) => {
      const known = ['principal', 'action', 'resource', 'context'] as const;
      const found = known.find((each) => each === name);
      return found === undefined ? this.#failed() : { value: this.request[found], error: this.terms.false };
    },
    '!': (operand) => {
      const { holds, error } = this.#truth((operand as Json)['arg']);
      return this.#bool(this.terms.not(holds), error);
    },
    neg: (operand) =>
      this.#with(operand, (values) => this.#arithmetic('-', [{ kind: 'long', term: this.terms.int(0n) }, ...values])),
    '==': (operand) => this.#with(operand, (values) => this.#equal(values, true)),
    '!=': (operand) => this.#with(operand, (values) => this.#equal(values, false)),
    '<': (operand) => this.#compare(operand, { op: '<', isSwapped: false }),
    '<=': (operand) => this.#compare(operand, { op: '<=', isSwapped: false }),
    '>': (operand) => this.#compare(operand, { op: '<', isSwapped: true }),
    '>=': (operand) => this.#compare(operand, { op: '<=', isSwapped: true }),
    '+': (operand) => this.#with(operand, (values) => this.#arithmetic('+', values)),
    '-': (operand) => this.#with(operand, (values) => this.#arithmetic('-', values)),
    '*': (operand) => this.#with(operand, (values) => this.#arithmetic('*', values)),
    '&&': (operand) => this.#both(operand, false),
    '||': (operand) => this.#both(operand, true),
    in: (operand) => this.#with(operand, ([lower, upper]) => this.#within(lower, upper)),
    contains: (operand) =>
      this.#with(operand, ([set, item]) =>
        set?.kind === 'set' && item !== undefined
          ? this.#bool(contains(set.set, item, this.terms), this.terms.false)
          : this.#failed(),
      ),
    containsAll: (operand) => this.#sets(operand, (a, b) => isSubset(b.set, a.set, this.terms)),
    containsAny: (operand) => this.#sets(operand, (a, b) => overlaps(a.set, b.set, this.terms)),
    isEmpty: (operand) =>
      this.#with(operand, ([set]) =>
        set?.kind === 'set'
          ? this.#bool(this.terms.not(isNotEmpty(set.set, this.terms)), this.terms.false)
          : this.#failed(),
      ),
    hasTag: (operand) => this.#tag(operand, false),
    getTag: (operand) => this.#tag(operand, true),
    '.': (operand) => this.#get(operand),
    has: (operand) => this.#has(operand),
    is: (operand) => this.#is(operand),
    like: (operand) => {
      const { left, pattern } = operand as { left: unknown; pattern: readonly PatternPart[] };
      const { value, error } = this.encode(left);
      if (value.kind !== 'string') return this.#failed();
      return this.#bool(this.#like(value.term, pattern), error);
    },
    'if-then-else': (operand) => this.#choose(operand),
    Set: (items) => {
      const { values, error } = this.#all(items as readonly unknown[]);
      if (error === this.terms.true) return this.#failed();
      return { value: { kind: 'set', set: listedSet(values, this.terms) }, error };
    },
    Record: (entries) => this.#record(entries),
  };

  /** Without a wildcard it is a comparison. */
  #like(text: Term, pattern: readonly PatternPart[]): Term {
    if (pattern.includes('Wildcard')) return this.terms.like(text, pattern);
    const literal = pattern.map((part) => (part === 'Wildcard' ? '' : part.Literal)).join('');
    return this.terms.eq(text, this.terms.text(literal));
  }

  #equal([a, b]: readonly SymbolicValue[], wanted: boolean): Outcome {
    if (a === undefined || b === undefined) return this.#failed();
    const equal = equalValues(a, b, this.terms);
    return this.#bool(wanted ? equal : this.terms.not(equal), this.terms.false);
  }
}

const isEntityType = (type: CedarType | null) => type?.kind === 'entity';
