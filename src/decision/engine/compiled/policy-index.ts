import type { PolicyJson } from '../policy-set.ts';
import { compileOutline, type Environment, type Evaluate, toBool } from './compile-expression.ts';
import type { EntityRef } from './entity-ref.ts';
import type { EntityStore } from './entity-store.ts';
import { type Constant, Outliner } from './outline.ts';
import { readScope, type Scope, scopeFits } from './scope.ts';

/** The conditions of a policy, compiled for all policies of the same outline. Throws EvaluationError. */
type Test = (environment: Environment, constants: readonly Constant[]) => boolean;

/** A policy ready to be evaluated. */
export interface CompiledPolicy {
  readonly id: string;
  readonly isPermit: boolean;
  readonly principal: Scope;
  readonly resource: Scope;
  /** null: it has no conditions. */
  readonly test: Test | null;
  readonly constants: readonly Constant[];
  /** What a decision says that it alone made. */
  readonly reasons: readonly [string];
}

/** Up to this many policies are looked at one by one: finding them by their principal costs as much. */
const listedMax = 4;

/** Policies of one resource constraint, by their principal. */
class ByPrincipal {
  readonly #all: CompiledPolicy[] = [];
  readonly #open: CompiledPolicy[] = [];
  readonly #byType = new Map<string, CompiledPolicy[]>();
  readonly #equal = new Map<EntityRef, CompiledPolicy[]>();
  readonly #within = new Map<EntityRef, CompiledPolicy[]>();

  add(policy: CompiledPolicy): void {
    const { principal } = policy;
    this.#all.push(policy);
    if (principal.equals !== null) put(this.#equal, principal.equals, policy);
    else if (principal.within !== null) put(this.#within, principal.within, policy);
    else if (principal.type !== null) put(this.#byType, principal.type, policy);
    else this.#open.push(policy);
  }

  visit(search: Search): void {
    const { principal } = search.environment;
    if (this.#all.length <= listedMax) {
      for (const policy of this.#all)
        if (scopeFits(policy.principal, principal, search.environment.entities)) search.run(policy);
      return;
    }
    search.runAll(this.#open);
    search.runAll(this.#byType.get(principal.type));
    if (this.#equal.size > 0) search.runAll(this.#equal.get(principal));
    if (this.#within.size > 0) for (const above of search.principals()) search.runTyped(this.#within.get(above));
  }
}

function put<K>(map: Map<K, CompiledPolicy[]>, key: K, policy: CompiledPolicy): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [policy]);
  else list.push(policy);
}

/** Policies of one action, by their resource and then by their principal. */
class Bucket {
  readonly #open = new ByPrincipal();
  readonly #byType = new Map<string, ByPrincipal>();
  readonly #equal = new Map<EntityRef, ByPrincipal>();
  readonly #within = new Map<EntityRef, ByPrincipal>();

  add(policy: CompiledPolicy): void {
    const { resource } = policy;
    if (resource.equals !== null) sub(this.#equal, resource.equals).add(policy);
    else if (resource.within !== null) sub(this.#within, resource.within).add(policy);
    else if (resource.type !== null) sub(this.#byType, resource.type).add(policy);
    else this.#open.add(policy);
  }

  visit(search: Search): void {
    const { resource } = search.environment;
    this.#open.visit(search);
    this.#byType.get(resource.type)?.visit(search);
    if (this.#equal.size > 0) this.#equal.get(resource)?.visit(search);
    if (this.#within.size > 0) for (const above of search.resources()) this.#within.get(above)?.visit(search);
  }
}

function sub<K>(map: Map<K, ByPrincipal>, key: K): ByPrincipal {
  let found = map.get(key);
  if (found === undefined) {
    found = new ByPrincipal();
    map.set(key, found);
  }
  return found;
}

/** Going through the policies that may match one request. */
export abstract class Search {
  readonly environment: Environment;
  readonly #flags: Uint8Array;
  #principals: readonly EntityRef[] | null = null;

  constructor(environment: Environment, index: PolicyIndex) {
    this.environment = environment;
    this.#flags = index.flags;
  }

  /** Told each policy whose scope fits. */
  abstract judge(policy: CompiledPolicy): void;

  /** The principal and those above it that some policy names. */
  principals(): readonly EntityRef[] {
    this.#principals ??= this.#named(this.environment.principal);
    return this.#principals;
  }

  /** The resource and those above it that some policy names. */
  resources(): readonly EntityRef[] {
    return this.#named(this.environment.resource);
  }

  #named(ref: EntityRef): readonly EntityRef[] {
    const flags = this.#flags;
    const above = this.environment.entities.ancestors(ref).named(flags);
    return ref.index < flags.length && flags[ref.index] !== 0 ? [ref, ...above] : above;
  }

  /** A policy whose principal fits, and that was found by its resource: what is left of the scope is the resource's type. */
  run(policy: CompiledPolicy): void {
    const { type } = policy.resource;
    if (type === null || type === this.environment.resource.type) this.judge(policy);
  }

  runAll(policies: readonly CompiledPolicy[] | undefined): void {
    if (policies !== undefined) for (const policy of policies) this.run(policy);
  }

  /** Of policies that were found by something above the principal, those for its type. */
  runTyped(policies: readonly CompiledPolicy[] | undefined): void {
    if (policies === undefined) return;
    for (const policy of policies) {
      const { type } = policy.principal;
      if (type === null || type === this.environment.principal.type) this.run(policy);
    }
  }
}

/** Compiles policies (Cedar's JSON) and sorts them under the actions of the schema. */
export class PolicyIndex {
  readonly #byAction = new Map<EntityRef, Bucket>();
  readonly #tests = new Map<string, Test>();
  readonly #store: EntityStore;
  /** By the index of an entity: 1 where a scope asks what stands below it. Entities that came later are named by none. */
  readonly flags: Uint8Array;

  constructor(policies: Iterable<readonly [id: string, json: PolicyJson]>, store: EntityStore) {
    this.#store = store;
    const actions = [...store.actions.keys()];
    for (const ref of actions) this.#byAction.set(ref, new Bucket());
    const compiled = [...policies].map(([id, json]) => [this.#compile(id, json), json] as const);
    this.flags = new Uint8Array(store.names.count);
    for (const [policy, { action }] of compiled) {
      for (const { within } of [policy.principal, policy.resource]) if (within !== null) this.flags[within.index] = 1;
      const { equals, above } = readScope(action, store);
      for (const ref of actions) {
        const isWithin = above?.some((each) => each === ref || store.ancestors(ref).has(each)) ?? true;
        if (isWithin && (equals === null || equals === ref)) this.#byAction.get(ref)?.add(policy);
      }
    }
  }

  /** How many outlines the policies have. */
  get outlineCount(): number {
    return this.#tests.size;
  }

  visit(search: Search): void {
    this.#byAction.get(search.environment.action)?.visit(search);
  }

  #compile(id: string, json: PolicyJson): CompiledPolicy {
    const outliner = new Outliner({
      ref: (type, name) => this.#store.pin(type, name),
      text: (text) => this.#store.text(text),
    });
    const conditions = json.conditions.map(({ kind, body }) => [kind, outliner.outline(body)] as const);
    const key = JSON.stringify(conditions);
    let test = this.#tests.get(key) ?? null;
    if (test === null && conditions.length > 0) {
      test = testOf(conditions.map(([kind, outline]) => ({ wanted: kind === 'when', run: compileOutline(outline) })));
      this.#tests.set(key, test);
    }
    return {
      id,
      isPermit: json.effect === 'permit',
      principal: readScope(json.principal, this.#store),
      resource: readScope(json.resource, this.#store),
      test,
      constants: outliner.constants,
      reasons: Object.freeze([id] as const),
    };
  }
}

function testOf(conditions: readonly { readonly wanted: boolean; readonly run: Evaluate }[]): Test {
  const [first] = conditions;
  if (first !== undefined && conditions.length === 1) {
    const { wanted, run } = first;
    return (environment, constants) => toBool(run(environment, constants)) === wanted;
  }
  return (environment, constants) => {
    for (const { wanted, run } of conditions) if (toBool(run(environment, constants)) !== wanted) return false;
    return true;
  };
}
