import type { EntityUid } from './entity-uid.ts';

/** The engine's answer, exactly Cedar's. Policies that errored were skipped. Ids sorted. */
export interface Decision {
  readonly decision: 'allow' | 'deny';
  readonly reasons: readonly string[];
  readonly errors: readonly { readonly id: string; readonly message: string }[];
}

export const remedyKinds = [
  'sign-in',
  'fresh-authentication',
  'stronger-credential',
  'bound-session',
  'compliant-device',
  'request-grant',
] as const;

/** A change of facts that would turn a no into a yes, found by asking again with hypothetical facts. */
export interface Remedy {
  readonly kind: (typeof remedyKinds)[number];
  /** One sentence for the person, imperative. */
  readonly words: string;
}

/** A policy that is not in force would by itself have turned the answer into this one. */
export interface ShadowEffect {
  readonly policy: string;
  readonly answer: 'allow' | 'deny' | 'indeterminate';
}

/**
 * What a policy enforcement point acts on. `indeterminate` is a denial: the engine allowed while a `forbid` errored,
 * or the question could not be judged (no policies, unknown resource, invalid request).
 */
export interface Verdict {
  readonly answer: 'allow' | 'deny' | 'indeterminate';
  /** `@id`s of the deciding policies. */
  readonly reasons: readonly string[];
  /** Why, in the policy author's own words: `@description` (or `@remedy`) of the deciding policies. */
  readonly words: readonly string[];
  readonly errors: readonly { readonly id: string; readonly message: string }[];
  /** What policies that are not in force here would have made of it: for the journal alone, never for whoever asked. */
  readonly shadow?: readonly ShadowEffect[];
  readonly policySequence: number;
  readonly factRevision: number;
  /** Every entity the decision could have read: when one changes, ask again. */
  readonly read: readonly EntityUid[];
  /** Wall-clock milliseconds at which it must be judged again (session or grant end), or null. */
  readonly judgeAgainAt: number | null;
}
