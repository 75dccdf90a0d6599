import { createHash } from 'node:crypto';
import { sha256Base64url } from '#foundation/crypto';
import type { Decision, EntityUid } from '#foundation/model';
import { CompiledEvaluator, type DecisionWithReads } from './compiled/compiled-evaluator.ts';
import { EntityStore } from './compiled/entity-store.ts';
import { readsContext } from './context-path.ts';
import type { DecisionRequest } from './decision-request.ts';
import { EngineError } from './engine-error.ts';
import { linkPolicies, type TemplateLink } from './link-template.ts';
import { namedEntities } from './named-entities.ts';
import type { LocatedPolicy, PolicySet, SchemaJson } from './policy-set.ts';
import { type TimePoints, timePoints } from './time-points.ts';

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
  /** When it may. */
  readonly timePoints: TimePoints;
  /** Does any policy read `context.path`? Else requests of one kind have one answer, whatever they ask for. */
  readonly readsPath: boolean;
  /** What policies read because they name it: an answer may change with facts about these although it is about others. */
  readonly named: readonly EntityUid[];
  /** The schema it was compiled with: `vocabularyOf()` says what can be asked by it. Null with Cedar's own evaluator, which keeps it. */
  readonly schemaJson: SchemaJson | null;
  /**
   * Decides exactly as Cedar does. Request and entities are validated against the schema first; throws EngineError
   * `invalid-request` when they do not fit it. Entities of the request stand before those of the store.
   */
  decide(request: DecisionRequest): Decision;
}

/** A compiled set that also says what a decision read. */
export interface StoreCompiledPolicies extends CompiledPolicies {
  /** How many outlines the conditions have: policies that differ in literals alone share one. */
  readonly outlineCount: number;
  /** Like `decide`, and every entity it looked at: while none of these change, neither does the answer to the same request. */
  decideWithReads(request: DecisionRequest): DecisionWithReads;
}

/** What a set is and says, without what decides it. */
export type DescribedPolicies = Omit<CompiledPolicies, 'decide' | 'schemaJson'>;

function hashOf(schema: string | null, policies: ReadonlyMap<string, LocatedPolicy>): string {
  const hash = createHash('sha256');
  const put = (text: string) => hash.update(`${Buffer.byteLength(text)}:`).update(text);
  put(schema ?? '');
  for (const [id, policy] of [...policies].sort(([a], [b]) => (a < b ? -1 : 1))) put(id) && put(policy.text);
  return hash.digest('base64url');
}

function describe(id: string, { file, line, text, json }: LocatedPolicy): PolicyDescription {
  const { effect, annotations } = json;
  const [description, remedy] = [annotations?.['description'] ?? '', annotations?.['remedy'] ?? ''];
  return { id, file, line, effect, description, remedy, text, hash: sha256Base64url(text) };
}

/** Describes parsed policies for people; `schema` null: there is none. */
export function describePolicies(
  policies: ReadonlyMap<string, LocatedPolicy>,
  schema: string | null,
): DescribedPolicies {
  const parsed = [...policies.values()].map(({ json }) => json);
  const points = timePoints(parsed);
  return {
    hash: hashOf(schema, policies),
    policies: new Map([...policies].map(([id, policy]) => [id, describe(id, policy)])),
    readsTime: !points.isComplete || points.agesSeconds.length > 0 || points.timesMs.length > 0,
    timePoints: points,
    readsPath: readsContext(parsed, 'path'),
    named: namedEntities(parsed),
  };
}

/**
 * Compiles parsed and validated policies into something that decides, over the entities of `store` (made for the same schema) or
 * over none but those of each request. A template decides nothing; `links` make policies of it. Throws EngineError when the schema is
 * not one, or a link does not fit its template.
 */
export function compilePolicySet(
  { policies, schema, schemaJson }: PolicySet,
  { links = [], store = new EntityStore(schemaJson) }: CompileOptions = {},
): StoreCompiledPolicies {
  if (store.schemaJson !== schemaJson && JSON.stringify(store.schemaJson) !== JSON.stringify(schemaJson))
    throw new EngineError({
      code: 'schema-syntax',
      message: 'the entities were read by another schema than the policies',
    });
  const linked = linkPolicies(policies, links);
  const judged = [...linked].map(([id, { json }]) => [id, json] as const);
  const compiled = new CompiledEvaluator(judged, store);
  return {
    ...describePolicies(links.length === 0 ? policies : linked, schema),
    schemaJson,
    outlineCount: compiled.outlineCount,
    decide: (request) => compiled.decide(request),
    decideWithReads: (request) => compiled.decideWithReads(request),
  };
}

export interface CompileOptions {
  /** Policies made from templates of the set. */
  readonly links?: readonly TemplateLink[];
  readonly store?: EntityStore;
}
