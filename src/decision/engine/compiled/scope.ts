import { EngineError } from '../engine-error.ts';
import type { ScopeJson, UidJson } from '../policy-set.ts';
import type { EntityRef } from './entity-ref.ts';
import type { EntityStore } from './entity-store.ts';

/** A scope constraint with its entities named. */
export interface Scope {
  readonly equals: EntityRef | null;
  /** Where one entity stands above; only scopes of actions name several. */
  readonly within: EntityRef | null;
  readonly above: readonly EntityRef[] | null;
  readonly type: string | null;
}

/** Reads a scope constraint of Cedar's JSON. Throws EngineError `unlinked-template` for one with a slot. */
export function readScope(json: unknown, store: EntityStore): Scope {
  const scope = json as ScopeJson;
  const ref = (uid: UidJson | undefined): EntityRef => {
    if (uid === undefined)
      throw new EngineError({ code: 'unlinked-template', message: 'a template matches nothing until it is linked' });
    const { type, id } = '__entity' in uid ? uid.__entity : uid;
    return store.pin(type, id);
  };
  const isWithin = scope.op === 'in' || (scope.op === 'is' && scope.in !== undefined);
  const above = isWithin ? (scope.entities ?? [scope.op === 'is' ? scope.in?.entity : scope.entity]).map(ref) : null;
  return {
    equals: scope.op === '==' ? ref(scope.entity) : null,
    within: above?.[0] ?? null,
    above,
    type: scope.op === 'is' ? (scope.entity_type ?? '') : null,
  };
}
