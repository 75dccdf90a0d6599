import {
  type CompiledPolicies,
  compilePolicySet,
  describePolicies,
  EngineError,
  type PolicySet,
  type PolicySource,
  type Problem,
  writeParsedForm,
} from '#decision/engine';
import { nameAll, type PolicyNaming, problemOf } from './name-policies.ts';
import { type NamedEntity, namedInPlace } from './named-in-place.ts';
import { type ParsedPolicy, parsePolicies } from './parse-policies.ts';
import { resolveSchema, validatePolicies } from './validate-policies.ts';
import { wasmEvaluator } from './wasm-evaluator.ts';

export interface CompileInput {
  readonly policies: readonly PolicySource[];
  /** Cedar schema text; null decides without one (only for `position`). */
  readonly schema: string | null;
  readonly naming?: PolicyNaming;
  /** `compiled`, the default, needs a schema; `wasm` is the evaluator of Cedar's authors: slow, the measure for the other. */
  readonly evaluator?: 'compiled' | 'wasm';
}

/** Annotations that mean something here. Anything else is probably a misspelling, so it is reported. */
export const knownAnnotations: readonly string[] = ['id', 'description', 'remedy'];

/**
 * Compiles policies and schema into something that decides. Throws EngineError for the first thing that is wrong: syntax,
 * missing or doubled `@id`s, and policies that do not fit the schema (strict validation) when naming is `annotation`.
 */
export function compilePolicies(input: CompileInput): CompiledPolicies {
  const naming = input.naming ?? 'annotation';
  const { named, problems } = nameAll(parsePolicies(input.policies), naming);
  const invalid = naming === 'annotation' ? validatePolicies(named, input.schema ?? '', input.policies) : [];
  const wrong = [...problems, ...invalid].find(({ level }) => level === 'error');
  if (wrong !== undefined) throw new EngineError(wrong);
  const { schema } = input;
  if (schema !== null && input.evaluator !== 'wasm') {
    const set = { policies: named, schema, schemaJson: resolveSchema(schema) };
    return compilePolicySet(set);
  }
  const described = describePolicies(named, schema);
  return {
    ...described,
    schemaJson: null,
    decide: wasmEvaluator({ key: described.hash, policies: named, schema }).decide,
  };
}

/**
 * Lists what is wrong or doubtful in policy files, for `nullius check` and the editor. Never throws: syntax errors are listed too.
 * Unknown annotations count as errors.
 */
export function checkPolicies(input: CompileInput): Problem[] {
  return examine(input).problems;
}

/** What publishing needs to know about policies. */
export interface PreparedPolicies {
  readonly problems: readonly Problem[];
  /** Undefined when a problem is an error. */
  readonly parsedForm: string | undefined;
  /** Entities that the policies write out, as far as they can be parsed. */
  readonly named: readonly NamedEntity[];
}

/** Checks policies as `checkPolicies` does, and writes the parsed form of those that may be published. */
export function preparePolicies(input: { policies: readonly PolicySource[]; schema: string }): PreparedPolicies {
  const { problems, named: policies } = examine(input);
  const named = policies === undefined ? [] : namedInPlace(policies, 'policy');
  if (policies === undefined || problems.some(({ level }) => level === 'error'))
    return { problems, parsedForm: undefined, named };
  try {
    const parsedForm = writeParsedForm({ policies, schemaJson: resolveSchema(input.schema) });
    return { problems, parsedForm, named };
  } catch (error) {
    return { problems: [...problems, problemOf(error)], parsedForm: undefined, named };
  }
}

/** Parses and validates a set as it would be published; `set` is undefined when a problem is an error. */
export function parsePolicySet({ policies, schema }: { policies: readonly PolicySource[]; schema: string }): {
  problems: readonly Problem[];
  set: PolicySet | undefined;
} {
  const { problems, named } = examine({ policies, schema });
  if (named === undefined || problems.some(({ level }) => level === 'error')) return { problems, set: undefined };
  return { problems, set: { policies: named, schema, schemaJson: resolveSchema(schema) } };
}

function examine(input: CompileInput): { problems: Problem[]; named?: ReadonlyMap<string, ParsedPolicy> } {
  try {
    const { named, problems } = nameAll(parsePolicies(input.policies), input.naming ?? 'annotation');
    const invalid = input.schema === null ? [] : validatePolicies(named, input.schema, input.policies);
    return { problems: [...problems, ...invalid, ...[...named].flatMap(unknownAnnotations)], named };
  } catch (error) {
    return { problems: [problemOf(error)] };
  }
}

function unknownAnnotations([id, { annotations, file, line, column }]: [string, ParsedPolicy]): Problem[] {
  return Object.keys(annotations)
    .filter((name) => !knownAnnotations.includes(name))
    .map((name) => ({
      level: 'error',
      code: 'unknown-annotation',
      message: `policy \`${id}\` has an unknown annotation \`@${name}\``,
      hint: `Known are ${knownAnnotations.map((known) => `\`@${known}\``).join(', ')}.`,
      file,
      line,
      column,
    }));
}
