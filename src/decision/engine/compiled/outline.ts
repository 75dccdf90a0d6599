import { EngineError } from '../engine-error.ts';
import type { NameSource } from './entity-store.ts';
import { EvaluationError } from './evaluation-error.ts';
import { callExtension, extensionFunction } from './extension-functions.ts';
import type { PatternPart } from './like.ts';
import { compilePattern } from './like.ts';
import { CedarSet, recordOf, type Value } from './value.ts';

/**
 * What an expression is without its literals: operators and names. Policies of the same outline share what evaluates them, and give it
 * their constants by number. Plain JSON, so that its text tells outlines apart.
 */
export type Outline =
  | readonly ['constant', number]
  /** A literal that cannot be made: evaluating it is the error. */
  | readonly ['broken', number]
  | readonly ['variable', string]
  | readonly ['attribute', Outline, string]
  | readonly ['has', Outline, ...string[]]
  | readonly ['is', Outline, string]
  | readonly ['is-in', Outline, string, Outline]
  | readonly ['like', Outline, number]
  | readonly ['set', ...Outline[]]
  | readonly ['record', readonly string[], ...Outline[]]
  | readonly ['call', string, ...Outline[]]
  | readonly [string, Outline]
  | readonly [string, Outline, Outline]
  | readonly ['if', Outline, Outline, Outline];

/** A constant of a policy. */
export type Constant = Value | EvaluationError | ((text: string) => boolean);

/** An expression of Cedar's JSON policy format (https://docs.cedarpolicy.com/policies/json-format.html). */
type Expression = { readonly [operator: string]: unknown };

/** How deep expressions nest at most: who reads them recurses. The parser of texts allows far less. */
const expressionDepthMax = 1_000;

const unaries = new Set(['!', 'neg', 'isEmpty']);
const binaries = new Set([
  ...['==', '!=', '<', '<=', '>', '>=', '+', '-', '*', '&&', '||', 'in'],
  ...['contains', 'containsAll', 'containsAny', 'hasTag', 'getTag'],
]);

/** So deep may sets and records of one literal nest. */
const literalDepthMax = 64;

function tooDeep(levels: number): EngineError {
  return new EngineError({ code: 'policy-too-large', message: `a policy nests deeper than ${levels} levels` });
}

/** Reads a value literal: primitives, and sets, records, entities and extension values in Cedar's JSON. */
function literal(json: unknown, names: NameSource, depth = 0): Value {
  if (depth > literalDepthMax) throw tooDeep(literalDepthMax);
  if (typeof json === 'string') return names.text(json);
  if (typeof json === 'boolean' || typeof json === 'number' || typeof json === 'bigint') return json;
  if (Array.isArray(json)) return new CedarSet(json.map((item) => literal(item, names, depth + 1)));
  if (typeof json !== 'object' || json === null) throw new EvaluationError('null is no Cedar value');
  const { __entity: uid, __extn: extension } = json as {
    __entity?: { type: string; id: string };
    __extn?: { fn: string; arg?: unknown; args?: readonly unknown[] };
  };
  if (uid !== undefined) return names.ref(uid.type, uid.id);
  if (extension === undefined)
    return recordOf(Object.entries(json).map(([name, item]) => [name, literal(item, names, depth + 1)]));
  const { fn, arg, args = [arg] } = extension;
  return callExtension(
    fn,
    args.map((item) => literal(item, names, depth + 1)),
  );
}

/** Takes the literals out of a policy's expressions. `constants` are those of all the expressions given so far. */
export class Outliner {
  readonly constants: Constant[] = [];
  readonly #names: NameSource;
  #depth = 0;

  constructor(names: NameSource) {
    this.#names = names;
  }

  /** Throws EngineError `policy-too-large` for what nests too deep. */
  outline(expression: unknown): Outline {
    this.#depth += 1;
    if (this.#depth > expressionDepthMax) throw tooDeep(expressionDepthMax);
    const [operator = '{}', operand] = Object.entries(expression as Expression)[0] ?? [];
    const found = this.#operator(operator, operand);
    this.#depth -= 1;
    return found;
  }

  #constant(make: () => Value): Outline {
    try {
      return ['constant', this.constants.push(make()) - 1];
    } catch (error) {
      if (!(error instanceof EvaluationError)) throw error;
      return ['broken', this.constants.push(error) - 1];
    }
  }

  #unknown(what: string): Outline {
    return ['broken', this.constants.push(new EvaluationError(`\`${what}\` cannot be evaluated`)) - 1];
  }

  #operator(operator: string, operand: unknown): Outline {
    if (operator === 'Value') return this.#constant(() => literal(operand, this.#names));
    if (operator === 'Var') return ['variable', String(operand)];
    if (operator === 'Set') return this.#set(operand as readonly unknown[]);
    if (operator === 'Record') return this.#record(Object.entries(operand as object));
    const parts = operand as Readonly<Record<string, unknown>>;
    if (unaries.has(operator)) return [operator, this.outline(parts['arg'])];
    if (binaries.has(operator)) return [operator, this.outline(parts['left']), this.outline(parts['right'])];
    switch (operator) {
      case '.':
        return ['attribute', this.outline(parts['left']), String(parts['attr'])];
      case 'has':
        return ['has', this.outline(parts['left']), ...[parts['attr']].flat().map(String)];
      case 'like': {
        const matches = compilePattern(parts['pattern'] as readonly PatternPart[]);
        return ['like', this.outline(parts['left']), this.constants.push(matches) - 1];
      }
      case 'is': {
        const [left, type] = [this.outline(parts['left']), String(parts['entity_type'])];
        return parts['in'] === undefined ? ['is', left, type] : ['is-in', left, type, this.outline(parts['in'])];
      }
      case 'if-then-else':
        return ['if', this.outline(parts['if']), this.outline(parts['then']), this.outline(parts['else'])];
      default:
        return this.#call(operator, operand);
    }
  }

  /** The constants behind outlines that are nothing but constants; undefined when one is more than that. */
  #allConstant(parts: readonly Outline[]): Value[] | undefined {
    const values: Value[] = [];
    for (const [kind, slot] of parts) {
      if (kind !== 'constant' || typeof slot !== 'number') return undefined;
      values.push(this.constants[slot] as Value);
    }
    return values;
  }

  #set(items: readonly unknown[]): Outline {
    const start = this.constants.length;
    const parts = items.map((item) => this.outline(item));
    const values = this.#allConstant(parts);
    if (values === undefined) return ['set', ...parts];
    this.constants.length = start;
    return this.#constant(() => new CedarSet(values));
  }

  #record(entries: readonly (readonly [string, unknown])[]): Outline {
    const start = this.constants.length;
    const names = entries.map(([name]) => name);
    const parts = entries.map(([, item]) => this.outline(item));
    const values = this.#allConstant(parts);
    if (values === undefined) return ['record', names, ...parts];
    this.constants.length = start;
    return this.#constant(() => recordOf(values.map((value, index) => [names[index] ?? '', value])));
  }

  /** Extension functions; nearly all calls are constructors with a literal, made once. */
  #call(name: string, operand: unknown): Outline {
    const found = extensionFunction(name);
    if (found === undefined || !Array.isArray(operand)) return this.#unknown(name);
    const start = this.constants.length;
    const parts = operand.map((item) => this.outline(item));
    const values = this.#allConstant(parts);
    if (values !== undefined) {
      this.constants.length = start;
      return this.#constant(() => callExtension(name, values));
    }
    return ['call', name, ...parts];
  }
}
