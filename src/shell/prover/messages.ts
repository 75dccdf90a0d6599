import type { PolicySource, Problem } from '#decision/engine';
import type { ProofResult } from '#decision/proof';

/** A policy set as texts. */
export interface PolicyTexts {
  readonly policies: readonly PolicySource[];
  readonly schema: string;
}

export interface ProveTask extends PolicyTexts {
  readonly task: 'prove';
  readonly invariants: readonly PolicySource[];
  /** For one question to the solver; an invariant asks one or a few for each type of request. */
  readonly checkMsMax: number;
}

export type ProverTask = ProveTask;

/** Something wrong or doubtful in the texts, or nothing: then the results. */
export interface ProveAnswer {
  readonly problems: readonly Problem[];
  readonly results: readonly ProofResult[];
}

export type ProverMessage =
  | { readonly kind: 'progress'; readonly done: number; readonly total: number; readonly what: string }
  | { readonly kind: 'answer'; readonly answer: ProveAnswer }
  | { readonly kind: 'failure'; readonly failure: string };
