import type { EntityUid } from './entity-uid.ts';
import type { Remedy, Verdict } from './verdict.ts';

/** Something an expression read, as Cedar writes it. */
export interface ReadValue {
  readonly text: string;
  readonly value: string;
}

/** Where a text stands in a policy file; line and column count from 1. */
export interface SourcePlace {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The text that stands there, as its author wrote it. */
  readonly text: string;
}

/** What became of one part of a policy. Texts and values are written by policy authors and clients. */
export interface ExplainedPart {
  readonly part: 'principal' | 'action' | 'resource' | 'when' | 'unless';
  /** As its author wrote it where the place is known, else written from the parsed form. */
  readonly text: string;
  readonly place: SourcePlace | null;
  /** Is it as the policy wants it? False too when it errored. */
  readonly holds: boolean;
  readonly error: string | null;
  readonly values: readonly ReadValue[];
}

/** What became of one policy, and of each of its parts. */
export interface ExplainedPolicy {
  readonly id: string;
  readonly effect: 'permit' | 'forbid';
  readonly outcome: 'satisfied' | 'unsatisfied' | 'error';
  readonly parts: readonly ExplainedPart[];
}

/** From an entity to one that a policy's scope names, both included: through groups, or through segments. */
export type ScopePath = readonly EntityUid[];

/** Why a policy's scope fits: how who asks and what is asked for come under it. null: it takes anybody, or anything. */
export interface ScopeReason {
  readonly policy: string;
  readonly principal: ScopePath | null;
  readonly resource: ScopePath | null;
}

/** The fewest changes of facts that turn an answer. */
export interface SmallestChange {
  readonly turnsTo: 'allow' | 'deny';
  /** Each is enough by itself and none is shorter; empty: nothing that was tried turns the answer. */
  readonly alternatives: readonly (readonly { readonly kind: string; readonly words: string }[])[];
  /** Was everything shorter tried? False: there were more changes, or questions, than are tried. */
  readonly isSmallest: boolean;
  /** Hypothetical questions that were asked. */
  readonly asked: number;
}

/** Why a decision came out as it did, for people: what `POST /policies/explain` answers. */
export interface Explanation
  extends Pick<Verdict, 'answer' | 'reasons' | 'words' | 'errors' | 'policySequence' | 'factRevision'> {
  readonly question: Readonly<Record<string, unknown>>;
  readonly remedies: readonly Pick<Remedy, 'kind' | 'words'>[];
  /** Texts of the policies it tells of. */
  readonly policies: readonly {
    readonly id: string;
    readonly file: string;
    readonly effect: 'permit' | 'forbid';
    readonly text: string;
  }[];
  /** Was it asked again of the same facts and policies, with the same answer? */
  readonly isExact: boolean;
  /** What is not exact, or what was assumed. */
  readonly notes: readonly string[];
  /** Who asked, as the policies saw them; null when the resource is not known. */
  readonly principal: EntityUid | null;
  /** Policies that decided or failed, with every part. */
  readonly spoke: readonly ExplainedPolicy[];
  /** How who asks and what is asked for come under the scopes of those that decided. */
  readonly paths: readonly ScopeReason[];
  /** Of a refusal that no forbid made: the permits that came nearest. */
  readonly nearest: readonly ExplainedPolicy[];
  /** null: nothing can be changed about a question that could not be judged. */
  readonly change: SmallestChange | null;
}
