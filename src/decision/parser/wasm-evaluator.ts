import { type DecisionRequest, EngineError, type LosslessJson, withRawIntegers } from '#decision/engine';
import type { Decision } from '#foundation/model';
import type { ParsedPolicy } from './parse-policies.ts';
import { cedar } from './wasm.ts';

export interface WasmEvaluator {
  decide(request: DecisionRequest): Decision;
}

const byText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** The evaluator of Cedar's own authors, with the set parsed once. Its cache lives as long as the process: `key` reuses it. */
export function wasmEvaluator(input: {
  key: string;
  policies: ReadonlyMap<string, ParsedPolicy>;
  schema: string | null;
}): WasmEvaluator {
  const ofKind = (kind: ParsedPolicy['kind']) =>
    Object.fromEntries([...input.policies].filter(([, p]) => p.kind === kind).map(([id, p]) => [id, p.text]));
  const parsed = [
    cedar.preparsePolicySet(input.key, { staticPolicies: ofKind('static'), templates: ofKind('template') }),
  ];
  if (input.schema !== null) parsed.push(cedar.preparseSchema(input.key, input.schema));
  for (const answer of parsed) {
    if (answer.type === 'failure') {
      throw new EngineError({
        code: 'policy-syntax',
        message: answer.errors[0]?.message ?? 'the policies do not parse',
      });
    }
  }
  const schemaName = input.schema === null ? {} : { preparsedSchemaName: input.key, validateRequest: true };

  function decide(request: DecisionRequest): Decision {
    const answer = cedar.statefulIsAuthorized({
      principal: { ...request.principal },
      action: { ...request.action },
      resource: { ...request.resource },
      context: withRawIntegers(request.context) as Record<string, never>,
      entities: withRawIntegers(request.entities as unknown as LosslessJson) as never,
      preparsedPolicySetId: input.key,
      ...schemaName,
    });
    if (answer.type === 'failure') {
      throw new EngineError({
        code: 'invalid-request',
        message: answer.errors.map((error) => error.message).join('; ') || 'the request could not be judged',
      });
    }
    const { reason, errors } = answer.response.diagnostics;
    return {
      decision: answer.response.decision,
      reasons: [...reason].sort(byText),
      errors: errors
        .map(({ policyId, error }) => ({ id: policyId, message: error.message }))
        .sort((a, b) => byText(a.id, b.id)),
    };
  }
  return { decide };
}
