import type { PolicySource, Problem } from '#decision/engine';
import type { Comparison, PolicyFinding, PolicyState, ProofResult } from '#decision/proof';
import type { KnownAnswers } from './remember-answers.ts';

/** A policy set as texts. */
export interface PolicyTexts {
  readonly policies: readonly PolicySource[];
  readonly schema: string;
  /** Policies in shadow or staged; all others are enforced for everybody. */
  readonly states?: readonly PolicyState[];
}

interface Limited {
  /** For one question to the solver. */
  readonly checkMsMax: number;
  /** What was asked before and need not be asked again. */
  readonly known: KnownAnswers;
}

export interface ProveTask extends PolicyTexts, Limited {
  readonly task: 'prove';
  readonly invariants: readonly PolicySource[];
}

export interface CompareTask extends Limited {
  readonly task: 'compare';
  readonly before: Omit<PolicyTexts, 'schema'>;
  readonly after: PolicyTexts;
}

export interface AnalyseTask extends PolicyTexts, Limited {
  readonly task: 'analyse';
}

export type ProverTask = ProveTask | CompareTask | AnalyseTask;

/** What is wrong or doubtful in the texts; when nothing is wrong, what was found. */
export interface Checked<T> {
  readonly problems: readonly Problem[];
  readonly found: T | undefined;
}

/** What each task gives. */
export interface Findings {
  readonly prove: readonly ProofResult[];
  readonly compare: Comparison;
  readonly analyse: readonly PolicyFinding[];
}

export type ProverAnswer = Checked<Findings[keyof Findings]>;

export type ProverMessage =
  | { readonly kind: 'progress'; readonly done: number; readonly total: number; readonly what: string }
  | { readonly kind: 'answer'; readonly answer: ProverAnswer; readonly learned: KnownAnswers }
  | { readonly kind: 'failure'; readonly failure: string };
