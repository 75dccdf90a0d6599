import type { EntityUid } from '#foundation/model';
import type { LosslessJson } from './lossless-json.ts';

/**
 * A Cedar entity in Cedar's own JSON (https://docs.cedarpolicy.com/auth/entities-syntax.html). Freeze one that is given again
 * and again, with all it holds, and it is converted once; so are frozen lists of frozen entities, and frozen records in `context`.
 */
export interface EntityJson {
  readonly uid: EntityUid;
  readonly attrs: { readonly [name: string]: LosslessJson };
  readonly parents: readonly EntityUid[];
  readonly tags?: { readonly [name: string]: LosslessJson };
}

/** One question for the engine, all facts given. Context and attributes are Cedar JSON. */
export interface DecisionRequest {
  readonly principal: EntityUid;
  readonly action: EntityUid;
  readonly resource: EntityUid;
  readonly context: { readonly [name: string]: LosslessJson };
  readonly entities: readonly EntityJson[];
  /** Are these all the entities there are? Then those of a store do not count: for worlds that might be, and those that were. */
  readonly isWhole?: boolean;
}
