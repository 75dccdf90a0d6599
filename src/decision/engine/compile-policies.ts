import { createHash } from 'node:crypto';
import type { Decision } from '#foundation/model';
import { CompiledEvaluator } from './compiled/compiled-evaluator.ts';
import type { DecisionRequest } from './decision-request.ts';
import { EngineError, type Problem } from './engine-error.ts';
import { type ParsedPolicy, type PolicySource, parsePolicies } from './parse-policies.ts';
import { validatePolicies } from './validate-policies.ts';
import { wasmEvaluator } from './wasm-evaluator.ts';

/** `annotation`: every policy carries a unique `@id`, as published sets must. `position`: `policy0`, `policy1` … as Cedar numbers them. */
export type PolicyNaming = 'annotation' | 'position';

/** What people are told about a policy. */
export interface PolicyDescription {
  readonly id: string;
  readonly file: string;
  readonly line: number;
  readonly effect: 'permit' | 'forbid';
  /** `@description`, in the author's own words; empty when there is none. */
  readonly description: string;
  /** `@remedy`: what a refused person can do; empty when there is none. */
  readonly remedy: string;
  readonly text: string;
  /** SHA-256 (base64url) over `text`. */
  readonly hash: string;
}

/** A policy set, checked and ready to decide. */
export interface CompiledPolicies {
  /** SHA-256 (base64url) over schema, ids and texts: the same set gives the same hash. */
  readonly hash: string;
  readonly policies: ReadonlyMap<string, PolicyDescription>;
  /** Does any policy read the time (`context.now`, `authAgeSeconds`)? Then an answer may change while facts stand still. */
  readonly readsTime: boolean;
  /**
   * Decides exactly as Cedar does. Request and entities are validated against the schema first; throws EngineError
   * `invalid-request` when they do not fit it.
   */
  decide(request: DecisionRequest): Decision;
}

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

const idLengthMax = 200;

function idOf(policy: ParsedPolicy, index: number, naming: PolicyNaming): string {
  if (naming === 'position') return `policy${index}`;
  const where = { file: policy.file, line: policy.line, column: policy.column };
  const id = policy.annotations['id'];
  if (id === undefined || id.trim() === '' || id.length > idLengthMax) {
    throw new EngineError({
      code: 'missing-id',
      message: `a policy has no \`@id\`, or one longer than ${idLengthMax} characters`,
      hint: 'Write `@id("a-name-of-its-own")` before it: journals and refusals name policies by it.',
      ...where,
    });
  }
  if (policy.kind === 'template') {
    throw new EngineError({
      code: 'unlinked-template',
      message: `\`${id}\` is a template (it has \`?principal\` or \`?resource\`), and published sets have no links`,
      hint: 'Name the principal or resource, or use a group; just-in-time access is a grant, not a template.',
      ...where,
    });
  }
  return id;
}

function nameAll(parsed: readonly ParsedPolicy[], naming: PolicyNaming): Map<string, ParsedPolicy> {
  const named = new Map<string, ParsedPolicy>();
  for (const [index, policy] of parsed.entries()) {
    const id = idOf(policy, index, naming);
    const earlier = named.get(id);
    if (earlier !== undefined) {
      throw new EngineError({
        code: 'duplicate-id',
        message: `two policies have the id \`${id}\`; the first stands in ${earlier.file}:${earlier.line}`,
        hint: 'Give each policy an `@id` of its own.',
        file: policy.file,
        line: policy.line,
        column: policy.column,
      });
    }
    named.set(id, policy);
  }
  return named;
}

function hashOf(schema: string | null, named: ReadonlyMap<string, ParsedPolicy>): string {
  const hash = createHash('sha256');
  const put = (text: string) => hash.update(`${Buffer.byteLength(text)}:`).update(text);
  put(schema ?? '');
  for (const [id, policy] of [...named].sort(([a], [b]) => (a < b ? -1 : 1))) put(id) && put(policy.text);
  return hash.digest('base64url');
}

const timeAttributes = new Set(['now', 'authAgeSeconds']);

/** Errs towards yes: any mention of a time attribute counts, and so does `context` used as a whole value. */
function mentionsTime(node: unknown): boolean {
  if (Array.isArray(node)) return node.some(mentionsTime);
  if (typeof node !== 'object' || node === null) return false;
  return Object.entries(node).some(
    ([key, value]) =>
      (key === 'attr' && [value].flat().some((name) => timeAttributes.has(name))) || mentionsTime(value),
  );
}

function describe(id: string, policy: ParsedPolicy): PolicyDescription {
  return {
    id,
    file: policy.file,
    line: policy.line,
    effect: policy.json.effect,
    description: policy.annotations['description'] ?? '',
    remedy: policy.annotations['remedy'] ?? '',
    text: policy.text,
    hash: createHash('sha256').update(policy.text).digest('base64url'),
  };
}

function evaluatorFor(
  { schema, evaluator }: CompileInput,
  { named, hash }: { named: ReadonlyMap<string, ParsedPolicy>; hash: string },
): CompiledPolicies['decide'] {
  if (schema === null || evaluator === 'wasm') return wasmEvaluator({ key: hash, policies: named, schema }).decide;
  // Templates match nothing until they are linked.
  const fixed = [...named].filter(([, { kind }]) => kind === 'static');
  const compiled = new CompiledEvaluator(
    fixed.map(([id, { json }]) => [id, json]),
    schema,
  );
  return (request) => compiled.decide(request);
}

/**
 * Compiles policies and schema into something that decides. Throws EngineError for the first thing that is wrong: syntax,
 * missing or doubled `@id`s, and policies that do not fit the schema (strict validation) when naming is `annotation`.
 */
export function compilePolicies(input: CompileInput): CompiledPolicies {
  const naming = input.naming ?? 'annotation';
  const named = nameAll(parsePolicies(input.policies), naming);
  if (naming === 'annotation') {
    const wrong = validatePolicies(named, input.schema ?? '', input.policies).find(
      (problem) => problem.level === 'error',
    );
    if (wrong !== undefined) throw new EngineError(wrong);
  }
  const hash = hashOf(input.schema, named);
  return {
    hash,
    policies: new Map([...named].map(([id, policy]) => [id, describe(id, policy)])),
    readsTime: [...named.values()].some((policy) => mentionsTime(policy.json.conditions)),
    decide: evaluatorFor(input, { named, hash }),
  };
}

/**
 * Lists what is wrong or doubtful in policy files, for `nullius check`, the editor and publishing. Never throws: syntax
 * errors are listed too. Unknown annotations count as errors.
 */
export function checkPolicies(input: CompileInput): Problem[] {
  const naming = input.naming ?? 'annotation';
  try {
    const named = nameAll(parsePolicies(input.policies), naming);
    const problems = input.schema === null ? [] : validatePolicies(named, input.schema, input.policies);
    for (const [id, policy] of named) {
      for (const annotation of Object.keys(policy.annotations).filter((name) => !knownAnnotations.includes(name))) {
        problems.push({
          level: 'error',
          code: 'unknown-annotation',
          message: `policy \`${id}\` has an unknown annotation \`@${annotation}\``,
          hint: `Known are ${knownAnnotations.map((name) => `\`@${name}\``).join(', ')}.`,
          file: policy.file,
          line: policy.line,
          column: policy.column,
        });
      }
    }
    return problems;
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    const { code, message, file, line, column, hint } = error;
    return [
      {
        level: 'error',
        code,
        message,
        ...(file === undefined ? {} : { file }),
        ...(line === undefined ? {} : { line }),
        ...(column === undefined ? {} : { column }),
        ...(hint === undefined ? {} : { hint }),
      },
    ];
  }
}
