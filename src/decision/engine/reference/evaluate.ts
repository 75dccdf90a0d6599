import { Datetime, Duration } from '../compiled/datetime.ts';
import { EvaluationError } from '../compiled/evaluation-error.ts';
import { callExtension } from '../compiled/extension-functions.ts';
import { toLong } from '../compiled/long.ts';
import { CedarRecord, CedarSet, EntityRef, recordOf, typeError, type Value, valueKey } from '../compiled/value.ts';
import { valueJson } from '../compiled/value-json.ts';
import type { LosslessJson } from '../lossless-json.ts';
import { ancestorsOf, entityKey, type KnownEntity, type ReferenceQuestion } from './read-question.ts';

/** Keys and indices that lead from a policy's JSON to a part of it: `['conditions', 0, 'body', '&&', 'left']`. */
export type JsonPath = readonly (string | number)[];

/** What became of one expression. Parts that were never reached (behind a short circuit) are not there. */
export interface ExpressionTrace {
  readonly path: JsonPath;
  /** The key of its JSON: `&&`, `Var`, `.`, `ip` … */
  readonly operator: string;
  readonly result: { readonly value: LosslessJson } | { readonly error: string };
  /** In the order in which they were evaluated. */
  readonly parts: readonly ExpressionTrace[];
}

type Operands = Readonly<Record<string, unknown>>;
type Part = (key: string, index?: number | string) => Value;

function bool(value: Value): boolean {
  if (typeof value !== 'boolean') throw typeError('bool', value);
  return value;
}

function long(value: Value): bigint {
  if (typeof value !== 'number' && typeof value !== 'bigint') throw typeError('long', value);
  return BigInt(value);
}

function text(value: Value): string {
  if (typeof value !== 'string') throw typeError('string', value);
  return value;
}

function set(value: Value): CedarSet {
  if (!(value instanceof CedarSet)) throw typeError('set', value);
  return value;
}

function entity(value: Value): EntityRef {
  if (!(value instanceof EntityRef)) throw typeError('entity', value);
  return value;
}

const keysOf = (value: CedarSet) => new Set([...value].map(valueKey));

/** Negative, zero or positive, for longs, datetimes and durations. */
function order(left: Value, right: Value): bigint {
  if (left instanceof Datetime || left instanceof Duration) {
    if (!(right instanceof Datetime || right instanceof Duration) || right.typeName !== left.typeName)
      throw typeError(left.typeName, right);
    return BigInt(left.ms) - BigInt(right.ms);
  }
  return long(left) - long(right);
}

type PatternPart = 'Wildcard' | { readonly Literal: string };

/** By the book: which prefixes of the text does each prefix of the pattern match? Text times pattern in time. */
function like(subject: string, pattern: readonly PatternPart[]): boolean {
  let ends = new Set([0]);
  for (const part of pattern) {
    const next = new Set<number>();
    if (part === 'Wildcard') for (let end = Math.min(...ends); end <= subject.length; end += 1) next.add(end);
    else for (const end of ends) if (subject.startsWith(part.Literal, end)) next.add(end + part.Literal.length);
    if (next.size === 0) return false;
    ends = next;
  }
  return ends.has(subject.length);
}

/** Evaluates expressions of Cedar's JSON policy format one operator at a time, as the language reference describes each. */
export class ReferenceEvaluation {
  readonly #question: ReferenceQuestion;
  /** Parts of the expression that is being evaluated; null: nobody wants to know. */
  #parts: ExpressionTrace[] | null = null;

  constructor(question: ReferenceQuestion) {
    this.#question = question;
  }

  /** Like `evaluate`, but says what became of every part; errors are results. */
  trace(expression: unknown, path: JsonPath): ExpressionTrace {
    const parts: ExpressionTrace[] = [];
    this.#parts = parts;
    try {
      this.evaluate(expression, path);
    } catch (error) {
      if (!(error instanceof EvaluationError)) throw error;
    } finally {
      this.#parts = null;
    }
    const [root] = parts;
    if (root === undefined) throw new Error('an evaluation left no trace');
    return root;
  }

  /** Throws EvaluationError. */
  evaluate(expression: unknown, path: JsonPath): Value {
    const [operator = '{}', operand] = Object.entries(expression as Operands)[0] ?? [];
    const here = [...path, operator];
    const around = this.#parts;
    if (around === null) return this.#apply(operator, { operand, path: here });
    const parts: ExpressionTrace[] = [];
    this.#parts = parts;
    try {
      const value = this.#apply(operator, { operand, path: here });
      around.push({ path, operator, result: { value: valueJson(value) }, parts });
      return value;
    } catch (error) {
      if (error instanceof EvaluationError) around.push({ path, operator, result: { error: error.message }, parts });
      throw error;
    } finally {
      this.#parts = around;
    }
  }

  #known(ref: EntityRef): KnownEntity | undefined {
    return this.#question.entities.get(entityKey(ref));
  }

  #isIn(ref: EntityRef, above: EntityRef): boolean {
    const key = entityKey(above);
    return entityKey(ref) === key || ancestorsOf(entityKey(ref), this.#question.entities).has(key);
  }

  #in(left: Value, right: Value): boolean {
    const ref = entity(left);
    if (right instanceof EntityRef) return this.#isIn(ref, right);
    if (!(right instanceof CedarSet)) throw typeError('(set or entity)', right);
    return [...right].map(entity).some((above) => this.#isIn(ref, above));
  }

  #has(value: Value, name: string): boolean {
    if (value instanceof CedarRecord) return value.has(name);
    return this.#known(entity(value))?.attrs.has(name) ?? false;
  }

  #attribute(value: Value, name: string): Value {
    const record = value instanceof CedarRecord ? value : this.#known(entity(value))?.attrs;
    const found = record?.get(name);
    if (found !== undefined) return found;
    if (value instanceof CedarRecord) throw new EvaluationError(`record does not have the attribute \`${name}\``);
    const { type } = entity(value);
    if (record === undefined) throw new EvaluationError(`entity of type \`${type}\` does not exist`);
    throw new EvaluationError(`entity of type \`${type}\` does not have the attribute \`${name}\``);
  }

  #hasPath(subject: Value, names: readonly string[]): boolean {
    let value = subject;
    for (const [index, name] of names.entries()) {
      if (!this.#has(value, name)) return false;
      if (index < names.length - 1) value = this.#attribute(value, name);
    }
    return true;
  }

  #apply(operator: string, { operand, path }: { operand: unknown; path: JsonPath }): Value {
    const operands = operand as Operands;
    const part: Part = (key) => this.evaluate(operands[key], [...path, key]);
    switch (operator) {
      case 'Value':
        return this.#literal(operand);
      case 'Var':
        return this.#variable(String(operand));
      case '&&':
        return bool(part('left')) && bool(part('right'));
      case '||':
        return bool(part('left')) || bool(part('right'));
      case 'if-then-else':
        return bool(part('if')) ? part('then') : part('else');
      case '!':
        return !bool(part('arg'));
      case 'neg':
        return toLong(-long(part('arg')), 'subtract');
      case 'isEmpty':
        return set(part('arg')).size === 0;
      case '.':
        return this.#attribute(part('left'), String(operands['attr']));
      case 'has':
        return this.#hasPath(part('left'), [operands['attr']].flat().map(String));
      case 'like':
        return like(text(part('left')), operands['pattern'] as readonly PatternPart[]);
      case 'is': {
        const value = part('left');
        if (entity(value).type !== operands['entity_type']) return false;
        return operands['in'] === undefined || this.#in(value, part('in'));
      }
      case 'Set':
        return new CedarSet(
          (operand as readonly unknown[]).map((item, index) => this.evaluate(item, [...path, index])),
        );
      case 'Record':
        return recordOf(Object.entries(operands).map(([name, item]) => [name, this.evaluate(item, [...path, name])]));
      default:
        return this.#binary(operator, { operand, path });
    }
  }

  #binary(operator: string, { operand, path }: { operand: unknown; path: JsonPath }): Value {
    if (Array.isArray(operand)) {
      const values = operand.map((item, index) => this.evaluate(item, [...path, index]));
      return callExtension(operator, values);
    }
    const { left: leftJson, right: rightJson } = (operand ?? {}) as Operands;
    if (leftJson === undefined || rightJson === undefined || !Object.hasOwn(binaries, operator))
      throw new EvaluationError(`\`${operator}\` cannot be evaluated`);
    const left = this.evaluate(leftJson, [...path, 'left']);
    const right = this.evaluate(rightJson, [...path, 'right']);
    if (operator === 'in') return this.#in(left, right);
    if (operator === 'hasTag' || operator === 'getTag') {
      const [ref, name] = [entity(left), text(right)];
      const value = this.#known(ref)?.tags.get(name);
      if (operator === 'hasTag') return value !== undefined;
      if (value === undefined) throw new EvaluationError(`entity does not exist or has no tag \`${name}\``);
      return value;
    }
    return (binaries[operator] as (left: Value, right: Value) => Value)(left, right);
  }

  #variable(name: string): Value {
    const { principal, action, resource, context } = this.#question;
    const variables: Readonly<Record<string, Value>> = { principal, action, resource, context };
    const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
    if (value === undefined) throw new EvaluationError(`\`variable ${name}\` cannot be evaluated`);
    return value;
  }

  #literal(json: unknown): Value {
    if (typeof json === 'boolean' || typeof json === 'string' || typeof json === 'number' || typeof json === 'bigint')
      return json;
    if (Array.isArray(json)) return new CedarSet(json.map((item) => this.#literal(item)));
    if (typeof json !== 'object' || json === null) throw new EvaluationError('null is no Cedar value');
    const { __entity: uid, __extn: extension } = json as {
      __entity?: { type: string; id: string };
      __extn?: { fn: string; arg?: unknown; args?: readonly unknown[] };
    };
    if (uid !== undefined) return new EntityRef(uid.type, uid.id);
    if (extension === undefined)
      return recordOf(Object.entries(json).map(([name, item]) => [name, this.#literal(item)]));
    const { fn, arg, args = [arg] } = extension;
    return callExtension(
      fn,
      args.map((item) => this.#literal(item)),
    );
  }
}

const unreachable = (): never => {
  throw new Error('needs the entities');
};

/** Operators on two values that are both always evaluated. */
const binaries: Readonly<Record<string, (left: Value, right: Value) => Value>> = {
  '==': (left, right) => valueKey(left) === valueKey(right),
  '!=': (left, right) => valueKey(left) !== valueKey(right),
  '<': (left, right) => order(left, right) < 0n,
  '<=': (left, right) => order(left, right) <= 0n,
  '>': (left, right) => order(left, right) > 0n,
  '>=': (left, right) => order(left, right) >= 0n,
  '+': (left, right) => toLong(long(left) + long(right), 'add'),
  '-': (left, right) => toLong(long(left) - long(right), 'subtract'),
  '*': (left, right) => toLong(long(left) * long(right), 'multiply'),
  contains: (left, right) => keysOf(set(left)).has(valueKey(right)),
  containsAll: (left, right) => {
    const [all, wanted] = [keysOf(set(left)), keysOf(set(right))];
    return [...wanted].every((key) => all.has(key));
  },
  containsAny: (left, right) => {
    const [all, wanted] = [keysOf(set(left)), keysOf(set(right))];
    return [...wanted].some((key) => all.has(key));
  },
  in: unreachable,
  hasTag: unreachable,
  getTag: unreachable,
};
