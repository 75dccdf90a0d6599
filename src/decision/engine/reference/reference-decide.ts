import type { Decision } from '#foundation/model';
import type { DecisionRequest } from '../decision-request.ts';
import { EngineError } from '../engine-error.ts';
import type { PolicyJson, SchemaJson } from '../policy-set.ts';
import { type ExpressionTrace, type JsonPath, ReferenceEvaluation } from './evaluate.ts';
import { readQuestion } from './read-question.ts';

/** Policies and schema to decide by; a `PolicySet` fits. */
export interface ReferenceInput {
  readonly policies: ReadonlyMap<string, { readonly json: PolicyJson }>;
  readonly schemaJson: SchemaJson;
}

/** What became of one `when` or `unless`. */
export interface ConditionTrace {
  readonly kind: 'when' | 'unless';
  readonly trace: ExpressionTrace;
  /** Does the policy go on behind it? False too when its body errored. */
  readonly isMet: boolean;
}

/** What became of one policy. */
export interface PolicyTrace {
  readonly id: string;
  readonly effect: 'permit' | 'forbid';
  /** All three are looked at, also behind one that does not fit. */
  readonly scope: { readonly principal: boolean; readonly action: boolean; readonly resource: boolean };
  /** Those that were reached: none when the scope does not fit, none behind one that is not met. */
  readonly conditions: readonly ConditionTrace[];
  readonly outcome: 'satisfied' | 'unsatisfied' | 'error';
  /** When `outcome` is `error`. */
  readonly error?: string;
}

/** A decision with the trace of every policy, in the order of the set. */
export interface DecisionTrace {
  readonly decision: Decision;
  readonly policies: readonly PolicyTrace[];
}

type Uid = { readonly type: string; readonly id: string };

/** A scope constraint as the expression that it means; null: everything fits. */
function scopeExpression(variable: 'principal' | 'action' | 'resource', scope: unknown): unknown {
  const {
    op,
    entity,
    entities,
    entity_type,
    in: within,
    slot,
  } = scope as {
    op: string;
    entity?: unknown;
    entities?: readonly unknown[];
    entity_type?: string;
    in?: { entity?: unknown; slot?: string };
    slot?: string;
  };
  const left = { Var: variable };
  const uid = (json: unknown) => {
    const { __entity: inner } = json as { __entity?: Uid };
    return { Value: { __entity: inner ?? json } };
  };
  if (slot !== undefined || within?.slot !== undefined) {
    throw new EngineError({ code: 'unlinked-template', message: 'a template matches nothing until it is linked' });
  }
  if (op === 'All') return null;
  if (op === '==') return { '==': { left, right: uid(entity) } };
  if (op === 'in') return { in: { left, right: entities === undefined ? uid(entity) : { Set: entities.map(uid) } } };
  return { is: { left, entity_type, ...(within === undefined ? {} : { in: uid(within.entity) }) } };
}

function tracePolicy(
  id: string,
  { json, evaluation }: { json: PolicyJson; evaluation: ReferenceEvaluation },
): PolicyTrace {
  const fits = (variable: 'principal' | 'action' | 'resource') => {
    const expression = scopeExpression(variable, json[variable]);
    return expression === null || evaluation.evaluate(expression, [variable]) === true;
  };
  const scope = { principal: fits('principal'), action: fits('action'), resource: fits('resource') };
  const policy = { id, effect: json.effect, scope };
  if (!scope.principal || !scope.action || !scope.resource)
    return { ...policy, conditions: [], outcome: 'unsatisfied' };
  const conditions: ConditionTrace[] = [];
  for (const [index, { kind, body }] of json.conditions.entries()) {
    const path: JsonPath = ['conditions', index, 'body'];
    const trace = evaluation.trace(body, path);
    const error = 'error' in trace.result ? trace.result.error : nonBoolean(trace.result.value);
    const isMet = 'value' in trace.result && trace.result.value === (kind === 'when');
    conditions.push({ kind, trace, isMet });
    if (error !== undefined) return { ...policy, conditions, outcome: 'error', error };
    if (!isMet) return { ...policy, conditions, outcome: 'unsatisfied' };
  }
  return { ...policy, conditions, outcome: 'satisfied' };
}

function nonBoolean(value: unknown): string | undefined {
  return typeof value === 'boolean' ? undefined : 'type error: a condition is not a bool';
}

const byText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/**
 * Decides by interpreting every policy on its own, operator by operator: slow and obvious, the measure for the compiled engine and
 * the way to see why. Policies with slots must be linked first. Throws EngineError as `CompiledPolicies.decide` does.
 */
export function traceDecision({ policies, schemaJson }: ReferenceInput, request: DecisionRequest): DecisionTrace {
  const evaluation = new ReferenceEvaluation(readQuestion(schemaJson, request));
  const traces = [...policies].map(([id, { json }]) => tracePolicy(id, { json, evaluation }));
  const satisfied = (effect: 'permit' | 'forbid') =>
    traces.filter((trace) => trace.outcome === 'satisfied' && trace.effect === effect).map(({ id }) => id);
  const [permits, forbids] = [satisfied('permit'), satisfied('forbid')];
  const errors = traces.flatMap(({ id, error }) => (error === undefined ? [] : [{ id, message: error }]));
  const decision: Decision = {
    decision: forbids.length === 0 && permits.length > 0 ? 'allow' : 'deny',
    reasons: (forbids.length > 0 ? forbids : permits).sort(byText),
    errors: errors.sort((a, b) => byText(a.id, b.id)),
  };
  return { decision, policies: traces };
}

/** The decision alone. */
export function referenceDecide(input: ReferenceInput, request: DecisionRequest): Decision {
  return traceDecision(input, request).decision;
}
