import type { PolicyJson } from '../policy-set.ts';
import { type Environment, type Evaluate, expressionCompiler, toBool } from './compile-expression.ts';
import type { EntityNames } from './entities.ts';
import type { EntityRef } from './value.ts';

/** A policy ready to be evaluated. `matches` throws EvaluationError. */
export interface CompiledPolicy {
  readonly id: string;
  readonly effect: 'permit' | 'forbid';
  matches(environment: Environment): boolean;
}

type Uid = { readonly type: string; readonly id: string };
type UidJson = Uid | { readonly __entity: Uid };

interface ScopeJson {
  readonly op: string;
  readonly entity?: UidJson;
  readonly entities?: readonly UidJson[];
  readonly entity_type?: string;
  readonly in?: { readonly entity?: UidJson };
}

/** A scope constraint with its entities named. */
interface Scope {
  readonly equals: EntityRef | null;
  readonly within: readonly EntityRef[] | null;
  readonly type: string | null;
}

function readScope(json: ScopeJson, names: EntityNames): Scope {
  const ref = (uid: UidJson | undefined): EntityRef => {
    // A slot: only templates have them, and templates are not compiled.
    if (uid === undefined) throw new Error('a scope names no entity');
    const { type, id } = '__entity' in uid ? uid.__entity : uid;
    return names.ref(type, id);
  };
  const above = json.op === 'is' ? json.in?.entity : json.entity;
  const several = json.entities ?? (above === undefined ? [] : [above]);
  const isWithin = json.op === 'in' || (json.op === 'is' && json.in !== undefined);
  return {
    equals: json.op === '==' ? ref(json.entity) : null,
    within: isWithin ? several.map(ref) : null,
    type: json.op === 'is' ? (json.entity_type ?? '') : null,
  };
}

function fits(scope: Scope, ref: EntityRef, environment: Environment): boolean {
  if (scope.equals !== null) return ref === scope.equals;
  if (scope.type !== null && ref.type !== scope.type) return false;
  return scope.within === null || scope.within.some((above) => environment.entities.isIn(ref, above));
}

/** Policies that may match, found by what their scope asks for: the narrowest question first, one place per policy. */
class Bucket {
  readonly #any: CompiledPolicy[] = [];
  readonly #byResource = new Map<EntityRef, CompiledPolicy[]>();
  readonly #byPrincipal = new Map<EntityRef, CompiledPolicy[]>();
  readonly #byPrincipalAbove = new Map<EntityRef, CompiledPolicy[]>();
  readonly #byResourceAbove = new Map<EntityRef, CompiledPolicy[]>();
  readonly #byPrincipalType = new Map<string, CompiledPolicy[]>();

  add(policy: CompiledPolicy, { principal, resource }: { principal: Scope; resource: Scope }): void {
    if (resource.equals !== null) put(this.#byResource, resource.equals, policy);
    else if (principal.equals !== null) put(this.#byPrincipal, principal.equals, policy);
    else if (resource.within?.[0] !== undefined) put(this.#byResourceAbove, resource.within[0], policy);
    else if (principal.within?.[0] !== undefined) put(this.#byPrincipalAbove, principal.within[0], policy);
    else if (principal.type !== null) put(this.#byPrincipalType, principal.type, policy);
    else this.#any.push(policy);
  }

  visit(environment: Environment, run: (policies: readonly CompiledPolicy[]) => void): void {
    const { principal, resource, entities } = environment;
    const give = (policies: readonly CompiledPolicy[] | undefined) => {
      if (policies !== undefined) run(policies);
    };
    run(this.#any);
    give(this.#byResource.get(resource));
    give(this.#byPrincipal.get(principal));
    give(this.#byPrincipalType.get(principal.type));
    if (this.#byPrincipalAbove.size > 0) {
      give(this.#byPrincipalAbove.get(principal));
      for (const above of entities.ancestors(principal)) give(this.#byPrincipalAbove.get(above));
    }
    if (this.#byResourceAbove.size > 0) {
      give(this.#byResourceAbove.get(resource));
      for (const above of entities.ancestors(resource)) give(this.#byResourceAbove.get(above));
    }
  }
}

function put<K>(map: Map<K, CompiledPolicy[]>, key: K, policy: CompiledPolicy): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [policy]);
  else list.push(policy);
}

export interface ActionNode {
  readonly ref: EntityRef;
  readonly ancestors: ReadonlySet<EntityRef>;
}

/** Compiles policies (Cedar's JSON) and sorts them under the actions of the schema. */
export class PolicyIndex {
  readonly #byAction = new Map<EntityRef, Bucket>();

  constructor(
    policies: Iterable<readonly [id: string, json: PolicyJson]>,
    { names, actions }: { names: EntityNames; actions: readonly ActionNode[] },
  ) {
    for (const { ref } of actions) this.#byAction.set(ref, new Bucket());
    const compile = expressionCompiler(names);
    for (const [id, json] of policies) {
      const principal = readScope(json.principal as ScopeJson, names);
      const resource = readScope(json.resource as ScopeJson, names);
      const action = readScope(json.action as ScopeJson, names);
      const policy = compilePolicy(id, { json, compile, principal, resource });
      for (const { ref, ancestors } of actions) {
        const isWithin = action.within?.some((above) => above === ref || ancestors.has(above)) ?? true;
        if (isWithin && (action.equals === null || action.equals === ref)) {
          this.#byAction.get(ref)?.add(policy, { principal, resource });
        }
      }
    }
  }

  visit(environment: Environment, run: (policies: readonly CompiledPolicy[]) => void): void {
    this.#byAction.get(environment.action)?.visit(environment, run);
  }
}

function compilePolicy(
  id: string,
  parts: { json: PolicyJson; compile: (expression: unknown) => Evaluate; principal: Scope; resource: Scope },
): CompiledPolicy {
  const { json, compile, principal, resource } = parts;
  const conditions = json.conditions.map(({ kind, body }) => ({ wanted: kind === 'when', test: compile(body) }));
  return {
    id,
    effect: json.effect,
    // The action was checked when the policy was put in its bucket.
    matches: (environment) =>
      fits(principal, environment.principal, environment) &&
      fits(resource, environment.resource, environment) &&
      conditions.every(({ wanted, test }) => toBool(test(environment)) === wanted),
  };
}
