import type { Decision, EntityUid } from '#foundation/model';
import type { DecisionRequest, EntityJson } from '../decision-request.ts';
import type { PolicyJson } from '../policy-set.ts';
import type { Environment } from './compile-expression.ts';
import { Entities, Overlay, RequestNames } from './entities.ts';
import type { EntityRef } from './entity-ref.ts';
import type { EntityStore } from './entity-store.ts';
import { EvaluationError } from './evaluation-error.ts';
import type { NameTable } from './name-table.ts';
import { type Bucket, type CompiledPolicy, PolicyIndex, type PolicyJudge } from './policy-index.ts';
import { type ConvertRecord, invalid } from './schema-types.ts';

type PolicyError = Decision['errors'][number];

const none: readonly [] = Object.freeze([]);
const byRank = (a: CompiledPolicy, b: CompiledPolicy) => a.rank - b.rank;

/** Evaluates what a search finds, and counts. */
class Tally implements PolicyJudge {
  readonly environment: Environment;
  #isForbidden = false;
  /** One that decides, as long as there is no other. */
  #one: CompiledPolicy | null = null;
  #several: CompiledPolicy[] | null = null;
  #errors: { policy: CompiledPolicy; message: string }[] | null = null;

  constructor(environment: Environment) {
    this.environment = environment;
  }

  judge(policy: CompiledPolicy): void {
    const { test, isPermit } = policy;
    try {
      if (test !== null && !test(this.environment, policy)) return;
    } catch (error) {
      if (!(error instanceof EvaluationError)) throw error;
      this.#errors ??= [];
      this.#errors.push({ policy, message: error.message });
      return;
    }
    if (isPermit && this.#isForbidden) return;
    if (!isPermit && !this.#isForbidden) {
      // What permitted decides nothing any more.
      this.#isForbidden = true;
      this.#one = policy;
      this.#several = null;
    } else if (this.#one === null) this.#one = policy;
    else if (this.#several === null) this.#several = [this.#one, policy];
    else this.#several.push(policy);
  }

  decision(): Decision {
    return {
      decision: !this.#isForbidden && this.#one !== null ? 'allow' : 'deny',
      reasons: this.#several?.sort(byRank).map(({ id }) => id) ?? this.#one?.reasons ?? none,
      errors: this.#errors === null ? none : errorsOf(this.#errors),
    };
  }
}

function errorsOf(found: { policy: CompiledPolicy; message: string }[]): PolicyError[] {
  found.sort((a, b) => byRank(a.policy, b.policy));
  return found.map(({ policy, message }) => ({ id: policy.id, message }));
}

/** A type that may take part, with the store's table of its entities. */
interface KnownType {
  readonly type: string;
  readonly ids: Pick<NameTable, 'get'>;
}

/** An action with what its requests may hold. */
interface KnownAction {
  readonly ref: EntityRef;
  readonly principals: readonly KnownType[];
  readonly resources: readonly KnownType[];
  readonly convertContext: ConvertRecord;
  readonly policies: Bucket;
}

/** An action has one or two types of each, mostly. */
function tableOf(type: string, known: readonly KnownType[]): KnownType['ids'] {
  for (const each of known) if (each.type === type) return each.ids;
  throw invalid(`an entity of type \`${type}\` cannot take part in this action`);
}

/** A decision, and every entity it looked at. */
export interface DecisionWithReads {
  readonly decision: Decision;
  /** Whether or not they exist: what comes to be counts as a change too. */
  readonly reads: readonly EntityUid[];
}

/**
 * Evaluates policies without WebAssembly: closures over Cedar's JSON policy format, one for all policies of the same outline,
 * found by their scope. Requests are validated by the schema while they are converted.
 */
export class CompiledEvaluator {
  readonly #store: EntityStore;
  readonly #index: PolicyIndex;
  readonly #actions = new Map<string, Map<string, KnownAction>>();
  readonly #stored: Entities;
  /** Frozen lists, which callers give again and again, are converted once for as long as the store stands still. */
  readonly #overlays = new WeakMap<readonly EntityJson[], Overlay>();

  constructor(policies: Iterable<readonly [string, PolicyJson]>, store: EntityStore) {
    this.#store = store;
    this.#index = new PolicyIndex(policies, store);
    this.#stored = new Entities(store, { overlay: null, reads: null });
    const tables = (types: ReadonlySet<string>) => [...types].map((type) => ({ type, ids: store.names.ofType(type) }));
    for (const [ref, rules] of store.actions) {
      const ids = this.#actions.get(ref.type) ?? new Map<string, KnownAction>();
      this.#actions.set(ref.type, ids);
      ids.set(ref.id, {
        ref,
        principals: tables(rules.principalTypes),
        resources: tables(rules.resourceTypes),
        convertContext: rules.convertContext,
        policies: this.#index.bucket(ref),
      });
    }
  }

  /** How many outlines the conditions of the policies have. */
  get outlineCount(): number {
    return this.#index.outlineCount;
  }

  /** Decides as Cedar does. Throws EngineError `invalid-request` when request or entities do not fit the schema. */
  decide(request: DecisionRequest): Decision {
    const overlay = this.#overlay(request);
    const entities = overlay === null ? this.#stored : new Entities(this.#store, { overlay, reads: null });
    return this.#decide(request, { entities, overlay });
  }

  /** Like `decide`, and says what it read: while none of these change, neither does the answer to the same request. */
  decideWithReads(request: DecisionRequest): DecisionWithReads {
    const overlay = this.#overlay(request);
    const reads = new Set<EntityRef>();
    const decision = this.#decide(request, { entities: new Entities(this.#store, { overlay, reads }), overlay });
    return { decision, reads: [...reads].map(({ type, id }) => ({ type, id })) };
  }

  #decide(request: DecisionRequest, { entities, overlay }: { entities: Entities; overlay: Overlay | null }): Decision {
    const action = this.#actions.get(request.action.type)?.get(request.action.id);
    if (action === undefined) throw invalid(`the action \`${request.action.id}\` does not exist`);
    const principals = tableOf(request.principal.type, action.principals);
    const resources = tableOf(request.resource.type, action.resources);
    // Both are looked up before either is looked at: their memory is then fetched at the same time.
    const principal = principals.get(request.principal.id);
    const resource = resources.get(request.resource.id);
    const names = new RequestNames(this.#store, overlay?.names);
    const environment: Environment = {
      principal:
        principal === undefined || principal.shape === null ? this.#stranger(request.principal, names) : principal,
      action: action.ref,
      resource: resource === undefined || resource.shape === null ? this.#stranger(request.resource, names) : resource,
      context: action.convertContext(request.context, names),
      entities,
    };
    const tally = new Tally(environment);
    action.policies.visit(tally);
    return tally.decision();
  }

  /** Of an entity that the store only hears of, or does not know. */
  #stranger(uid: EntityUid, names: RequestNames): EntityRef {
    if (!uid.id.isWellFormed()) throw invalid(`an id of type \`${uid.type}\` is not Unicode`);
    this.#store.checkName(uid);
    return names.ref(uid.type, uid.id);
  }

  /** null: the request brings nothing along. */
  #overlay({ entities: list, isWhole = false }: DecisionRequest): Overlay | null {
    if (list.length === 0 && !isWhole) return null;
    const known = this.#overlays.get(list);
    if (known !== undefined && known.version === this.#store.version && known.isWhole === isWhole) return known;
    const overlay = new Overlay(this.#store, { list, isWhole });
    if (Object.isFrozen(list) && list.every(Object.isFrozen)) this.#overlays.set(list, overlay);
    return overlay;
  }
}
