import { EngineError, type PolicySource, type Problem, type SchemaJson } from '#decision/engine';
import { nestingMax, nestingOf } from './nesting.ts';
import { locate, type ParsedPolicy } from './parse-policies.ts';
import { cedar, type DetailedError } from './wasm.ts';

export const schemaLengthMax = 1_000_000;

/** Throws EngineError `schema-syntax` when the text is not a Cedar schema. */
export function parseSchema(schema: string): void {
  if (schema.length > schemaLengthMax || nestingOf(schema) > nestingMax) {
    throw new EngineError({
      code: 'policy-too-large',
      message: `the schema is longer than ${schemaLengthMax} characters or nests deeper than ${nestingMax} levels`,
    });
  }
  const answer = cedar.checkParseSchema(schema);
  if (answer.type === 'success') return;
  const error = answer.errors[0];
  const label = error?.sourceLocations?.[0]?.label;
  const hint = error?.help ?? label;
  throw new EngineError({
    code: 'schema-syntax',
    message: (error?.message ?? 'this is not a Cedar schema').replace(/^failed to parse schema from string: /, ''),
    ...(error === undefined ? {} : locate(error, schema, 0)),
    ...(hint == null ? {} : { hint }),
  });
}

/** A schema as JSON with every name resolved, as the compiler wants it. Throws EngineError `schema-syntax`. */
export function resolveSchema(schema: string): SchemaJson {
  parseSchema(schema);
  const answer = cedar.schemaToJsonWithResolvedTypes(schema);
  if (answer.type === 'success') return answer.json as unknown as SchemaJson;
  throw new EngineError({
    code: 'schema-syntax',
    message: answer.errors[0]?.message ?? 'this is not a Cedar schema',
  });
}

/** Cedar's strict validation of each policy against the schema. Throws EngineError when the schema itself is wrong. */
export function validatePolicies(
  named: ReadonlyMap<string, ParsedPolicy>,
  schema: string,
  sources: readonly PolicySource[],
): Problem[] {
  parseSchema(schema);
  const texts = new Map(sources.map((source) => [source.file, source.text]));
  const ofKind = (kind: ParsedPolicy['kind']) =>
    Object.fromEntries(
      [...named].filter(([, policy]) => policy.kind === kind).map(([id, policy]) => [id, policy.text]),
    );
  const answer = cedar.validate({
    schema,
    policies: { staticPolicies: ofKind('static'), templates: ofKind('template') },
  });
  if (answer.type === 'failure') {
    throw new EngineError({ code: 'policy-type', message: answer.errors[0]?.message ?? 'validation failed' });
  }
  const problem = (level: Problem['level'], policyId: string, error: DetailedError): Problem => {
    const policy = named.get(policyId);
    const text = policy === undefined ? undefined : texts.get(policy.file);
    return {
      level,
      code: 'policy-type',
      message: error.message,
      ...(policy === undefined || text === undefined
        ? {}
        : { file: policy.file, ...locate(error, text, policy.start) }),
      ...(error.help === null ? {} : { hint: error.help }),
    };
  };
  // That a policy with a mistake applies to nothing follows from the mistake, and draws the eye from it.
  const mistaken = new Set(answer.validationErrors.map(({ policyId }) => policyId));
  const warnings = answer.validationWarnings.filter(({ policyId }) => !mistaken.has(policyId));
  return oncePerPlace([
    ...answer.validationErrors.map(({ policyId, error }) => problem('error', policyId, error)),
    ...warnings.map(({ policyId, error }) => problem('warning', policyId, error)),
    ...answer.otherWarnings.map(
      (error): Problem => ({ level: 'warning', code: 'policy-type', message: error.message }),
    ),
  ]);
}

/** Cedar looks at a policy once for each action it may be asked about, in no order, and says the same of each: people need to read it once. */
function oncePerPlace(problems: readonly Problem[]): Problem[] {
  const places = new Map<string, Problem[]>();
  for (const each of problems) {
    const words = each.message.replace(/\bAction::"(?:[^"\\]|\\.)*"/g, 'Action');
    const key = JSON.stringify([each.level, each.file, each.line, each.column, words]);
    places.set(key, [...(places.get(key) ?? []), each]);
  }
  return [...places.values()].flatMap((same) => {
    const [first, ...more] = same.sort((a, b) => (a.message < b.message ? -1 : 1));
    if (first === undefined || more.length === 0) return same;
    const others = more.length === 1 ? 'another action' : `${more.length} other actions`;
    return [{ ...first, message: `${first.message} (the same for ${others})` }];
  });
}
