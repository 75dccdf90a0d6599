/** How far the gates are that a policy set must pass; `total` 0: it is not known yet. */
export interface GateProgress {
  readonly step: 'tests' | 'invariants';
  readonly done: number;
  readonly total: number;
  /** What was done last. */
  readonly what: string;
}
