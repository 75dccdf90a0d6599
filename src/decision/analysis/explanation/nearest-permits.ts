import type { DecisionRequest, PolicyJson, PolicySet, PolicyTrace } from '#decision/engine';
import { traceDecision } from '#decision/engine/reference';
import type { ExplainedPolicy } from '#foundation/model';
import { explainPolicies } from './explain-policies.ts';

/** Permits whose conditions are looked at, of those whose scopes come closest. */
const examinedMax = 200;

/** Scope constraints that no change of facts about who asks can meet: they name somebody or something else. */
function fixedMismatches(json: PolicyJson, scope: PolicyTrace['scope'], request: DecisionRequest): number {
  const isFixed = (part: 'principal' | 'resource') => {
    if (scope[part]) return false;
    const { op, entity_type: type } = json[part] as { op: string; entity_type?: string };
    return op === '==' || (type !== undefined && type !== request[part].type);
  };
  return Number(isFixed('principal')) + Number(isFixed('resource'));
}

const failures = ({ parts }: ExplainedPolicy) => parts.filter(({ holds }) => !holds).length;

export interface NearestPermits {
  /** Nearest first. */
  readonly permits: readonly ExplainedPolicy[];
  /** Were all permits that speak of this action looked at? */
  readonly isComplete: boolean;
}

/**
 * The permits that would have said yes had the least been otherwise: fewest parts that do not hold, those written for somebody or
 * something else last. Permits for other actions are not near. Throws EngineError as deciding does.
 */
export function nearestPermits(
  { policies, schemaJson }: Pick<PolicySet, 'policies' | 'schemaJson'>,
  { request, max }: { request: DecisionRequest; max: number },
): NearestPermits {
  const scopes = new Map(
    [...policies]
      .filter(([, { json }]) => json.effect === 'permit')
      .map(([id, { json }]) => [id, { json: { ...json, conditions: [] } }] as const),
  );
  const ranked = traceDecision({ policies: scopes, schemaJson }, request)
    .policies.filter(({ scope }) => scope.action)
    .map(({ id, scope }) => {
      const json = policies.get(id)?.json as PolicyJson;
      const misses = Number(!scope.principal) + Number(!scope.resource);
      return { id, fixed: fixedMismatches(json, scope, request), misses };
    })
    .sort((a, b) => a.fixed - b.fixed || a.misses - b.misses);
  const examined = ranked.slice(0, examinedMax);
  const fixed = new Map(examined.map((each) => [each.id, each.fixed]));
  const explained = explainPolicies({ policies, schemaJson }, { ids: examined.map(({ id }) => id), request });
  const permits = explained
    .filter(({ outcome }) => outcome !== 'satisfied')
    .sort(
      (a, b) => (fixed.get(a.id) ?? 0) - (fixed.get(b.id) ?? 0) || failures(a) - failures(b) || (a.id < b.id ? -1 : 1),
    )
    .slice(0, max);
  return { permits, isComplete: ranked.length <= examinedMax };
}
