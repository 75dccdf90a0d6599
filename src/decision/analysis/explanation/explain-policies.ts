import type {
  DecisionRequest,
  ExpressionTrace,
  JsonPath,
  LocatedPolicy,
  LosslessJson,
  PolicyJson,
  PolicySet,
  PolicyTrace,
} from '#decision/engine';
import { traceDecision } from '#decision/engine/reference';
import type { ExplainedPart, ExplainedPolicy, ReadValue, SourcePlace } from '#foundation/model';
import type { Expression } from '../expression.ts';
import { writeExpression } from '../write-expression.ts';
import { type PolicyPart, partsOf, probe, scopeExpression } from './parts-of-policy.ts';
import { sourcePlaces } from './source-spans.ts';

const scopeParts = ['principal', 'action', 'resource'] as const;
/** Values shown of one part, and characters of each. */
const valuesMax = 20;
const valueCharactersMax = 300;

function writeValue(value: LosslessJson): string {
  const text = writeExpression({ Value: value });
  return text.length <= valueCharactersMax ? text : `${text.slice(0, valueCharactersMax)}…`;
}

function isAccess(expression: Expression): boolean {
  const { Var: name, '.': access } = expression as { Var?: string; '.'?: { left: Expression } };
  return name !== undefined || (access !== undefined && isAccess(access.left));
}

function expressionAt(root: unknown, path: JsonPath): Expression {
  return path.reduce<unknown>((at, step) => (at as Record<string | number, unknown>)[step], root) as Expression;
}

/** What the part read: each attribute once, whole, never the records on the way to it. */
function valuesOf(trace: ExpressionTrace, json: PolicyJson): ReadValue[] {
  const found = new Map<string, string>();
  const walk = (each: ExpressionTrace): void => {
    const expression = expressionAt(json, each.path);
    if (!isAccess(expression)) for (const inner of each.parts) walk(inner);
    else if (found.size < valuesMax && 'value' in each.result) {
      found.set(writeExpression(expression), writeValue(each.result.value));
    }
  };
  walk(trace);
  return [...found].map(([text, value]) => ({ text, value }));
}

function explainedScope(
  policy: LocatedPolicy,
  { scope, request }: { scope: PolicyTrace['scope']; request: DecisionRequest },
) {
  return scopeParts.flatMap((part): ExplainedPart[] => {
    const expression = scopeExpression(part, policy.json[part]);
    if (expression === null) return [];
    const value = writeValue({ __entity: { ...request[part] } });
    const text = writeExpression(expression);
    return [{ part, text, place: null, holds: scope[part], error: null, values: [{ text: part, value }] }];
  });
}

function explainedPart(
  part: PolicyPart,
  { trace, json, place }: { trace: ExpressionTrace; json: PolicyJson; place: SourcePlace | undefined },
): ExplainedPart {
  const { result } = trace;
  // Taken out of its `!`, a part would be said to hold by words that say the opposite.
  const isNegated = part.wanted !== (part.kind === 'when');
  const text = isNegated ? writeExpression({ '!': { arg: part.expression } }) : undefined;
  return {
    part: part.kind,
    text: text ?? place?.text ?? writeExpression(part.expression),
    place: place ?? null,
    holds: 'value' in result && result.value === part.wanted,
    error: 'error' in result ? result.error : null,
    values: valuesOf(trace, json),
  };
}

/**
 * Behind a part that does not hold nothing is evaluated, and what fails there because the first was its guard is no failure: such
 * parts are left out.
 */
function withoutGuarded(parts: readonly ExplainedPart[]): ExplainedPart[] {
  const first = parts.findIndex(({ holds }) => !holds);
  return parts.filter(({ error }, index) => error === null || index <= first);
}

/** Explains policies of a set for one request: all their parts, each evaluated by itself by the slow interpreter. Throws EngineError as deciding does. */
export function explainPolicies(
  { policies, schemaJson }: Pick<PolicySet, 'policies' | 'schemaJson'>,
  { ids, request }: { ids: Iterable<string>; request: DecisionRequest },
): ExplainedPolicy[] {
  const wanted = new Map([...ids].flatMap((id) => (policies.has(id) ? [[id, policies.get(id) as LocatedPolicy]] : [])));
  const whole = traceDecision({ policies: wanted, schemaJson }, request).policies;
  const probes = new Map<string, { json: PolicyJson }>();
  const key = (id: string, index: number) => JSON.stringify([id, index]);
  const parts = new Map([...wanted].map(([id, { json }]) => [id, partsOf(json)] as const));
  for (const [id, each] of parts) {
    for (const [index, { expression }] of each.entries()) probes.set(key(id, index), { json: probe(expression) });
  }
  const traced = new Map(
    traceDecision({ policies: probes, schemaJson }, request).policies.map((each) => [each.id, each]),
  );
  return whole.map(({ id, effect, outcome, scope }) => {
    const policy = wanted.get(id) as LocatedPolicy;
    const placeOf = sourcePlaces(policy);
    const conditions = (parts.get(id) ?? []).flatMap((part, index) => {
      const trace = traced.get(key(id, index))?.conditions[0]?.trace;
      const json = probes.get(key(id, index))?.json;
      if (trace === undefined || json === undefined) return [];
      return [explainedPart(part, { trace, json, place: placeOf(part.path, trace.operator) })];
    });
    return {
      id,
      effect,
      outcome,
      parts: [...explainedScope(policy, { scope, request }), ...withoutGuarded(conditions)],
    };
  });
}
