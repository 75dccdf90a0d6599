import type { PolicyJson, ScopeJson, UidJson } from '#decision/engine';
import { actionKey, type SchemaModel } from './cedar-type.ts';
import { ExpressionEncoder } from './encode-expression.ts';
import type { RequestType } from './environments.ts';
import type { Term, Terms } from './meaning.ts';
import type { SymbolicValue } from './symbolic-value.ts';

/** Under which requests and stores a policy applies, and under which it errors. */
export interface EncodedPolicy {
  readonly id: string;
  readonly effect: 'permit' | 'forbid';
  readonly applies: Term;
  readonly errs: Term;
}

/** Encodes policies under one type of request. */
export class PolicyEncoder {
  readonly #expressions: ExpressionEncoder;
  readonly #request: RequestType;
  readonly #known = new Map<string, EncodedPolicy>();
  readonly terms: Terms;

  constructor(terms: Terms, { schema, request }: { schema: SchemaModel; request: RequestType }) {
    this.terms = terms;
    this.#request = request;
    this.#expressions = new ExpressionEncoder(terms, { schema, request });
  }

  encode(id: string, policy: PolicyJson): EncodedPolicy {
    // Two policies that say the same are the same, also where that is not known: so that a set does not differ from itself.
    const key = JSON.stringify([id, policy], (_key, value) => (typeof value === 'bigint' ? `${value}n` : value));
    const encoded = this.#known.get(key) ?? this.#encode(id, policy);
    this.#known.set(key, encoded);
    return encoded;
  }

  #encode(id: string, policy: PolicyJson): EncodedPolicy {
    const { terms } = this;
    let applies = this.scope(policy);
    let errs = terms.false;
    for (const { kind, body } of policy.conditions) {
      if (applies === terms.false) break;
      const { holds, error } = this.#expressions.condition(body, id);
      errs = terms.or(errs, terms.and(applies, error));
      const wanted = kind === 'when' ? holds : terms.not(holds);
      applies = terms.and(applies, terms.not(error), wanted);
    }
    return { id, effect: policy.effect, applies, errs };
  }

  /** Does the request fit the policy's head? */
  scope(policy: PolicyJson): Term {
    const { principal, resource } = this.#expressions.request;
    const action = this.#action(policy.action as ScopeJson);
    if (action === this.terms.false) return action;
    return this.terms.and(
      action,
      this.#participant(principal, policy.principal as ScopeJson),
      this.#participant(resource, policy.resource as ScopeJson),
    );
  }

  /** Does a condition hold, without an error? */
  holds(body: unknown, policy: string): Term {
    const { holds, error } = this.#expressions.condition(body, policy);
    return this.terms.and(holds, this.terms.not(error));
  }

  #uid(json: UidJson): { type: string; term: Term } {
    const { type, id } = '__entity' in json ? json.__entity : json;
    return { type, term: this.terms.entity(type, id) };
  }

  #participant(value: SymbolicValue, scope: ScopeJson): Term {
    const { terms } = this;
    if (value.kind !== 'entity') throw new Error('principal and resource are entities');
    if (scope.op === 'All') return terms.true;
    if (scope.op === 'is' && scope.entity_type !== value.type) return terms.false;
    const above = scope.op === 'is' ? scope.in?.entity : scope.entity;
    const uids = scope.entities ?? (above === undefined ? [] : [above]);
    if (scope.op === 'is' && scope.in === undefined) return terms.true;
    // A slot of a template names no entity; templates are not encoded.
    if (uids.length === 0 && scope.entities === undefined) throw new Error('a scope names no entity');
    const found = uids.map((uid) => this.#uid(uid));
    if (scope.op !== '==') return terms.or(...found.map((uid) => this.#expressions.entities.isIn(value, uid)));
    return terms.or(...found.map((uid) => (uid.type === value.type ? terms.eq(value.term, uid.term) : terms.false)));
  }

  #action(scope: ScopeJson): Term {
    const { terms } = this;
    if (scope.op === 'All') return terms.true;
    const { action } = this.#expressions.request;
    if (action.kind !== 'entity') throw new Error('an action is an entity');
    const uids = scope.entities ?? (scope.entity === undefined ? [] : [scope.entity]);
    const wanted = uids.map((json) => ('__entity' in json ? json.__entity : json)).map(actionKey);
    const fits = this.#request.actions.filter((each) =>
      wanted.some((key) => (scope.op === '==' ? actionKey(each) === key : each.within.has(key))),
    );
    if (fits.length === this.#request.actions.length) return terms.true;
    return terms.or(...fits.map(({ type, id }) => terms.eq(action.term, terms.entity(type, id))));
  }
}

/** What a door does with the answers of policies: a permit applies, and no `forbid` applies or errs (docs/ARCHITECTURE.md). */
export function isAllowed(policies: readonly EncodedPolicy[], terms: Terms): Term {
  const permits = policies.filter(({ effect }) => effect === 'permit');
  const forbids = policies.filter(({ effect }) => effect === 'forbid');
  return terms.and(
    terms.or(...permits.map(({ applies }) => applies)),
    ...forbids.flatMap(({ applies, errs }) => [terms.not(applies), terms.not(errs)]),
  );
}
