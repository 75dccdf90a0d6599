/** Decisions, and of how many subjects. */
export interface DecisionSum {
  readonly decisions: number;
  readonly subjects: number;
}

/** What one subject, resource or policy gains and loses, in decisions. */
export interface Gains {
  readonly key: string;
  readonly name: string;
  readonly gained: number;
  readonly lost: number;
}

/** Who asked, for people to read. */
export interface RehearsedSubject {
  readonly kind: 'user' | 'token' | 'stranger';
  readonly id: string;
  readonly name: string;
}

/** Changed decisions that differ in nothing but when they were asked. */
export interface ChangeGroup {
  readonly change: 'gained' | 'lost';
  readonly subject: RehearsedSubject;
  readonly resource: string;
  readonly action: string;
  readonly route: string;
  readonly count: number;
  /** `@id`s of what decided then, and of what would decide. */
  readonly before: readonly string[];
  readonly after: readonly string[];
  /** Ids of events, the first ones. */
  readonly examples: readonly string[];
}

/** Why a record was not replayed. */
export type Skipped = 'erased' | 'counted' | 'ended' | 'damaged' | 'other';

/** What recorded decisions would be under other policies. */
export interface SimulationReport {
  readonly replayed: number;
  readonly skipped: Readonly<Record<Skipped, number>>;
  /** Answers that the rehearsed policies leave as they were recorded. */
  readonly same: number;
  readonly gained: DecisionSum;
  readonly lost: DecisionSum;
  /** Those whose recorded answer the policies of then do not give to this question: left out of gains and losses. */
  readonly notReproduced: { readonly count: number; readonly examples: readonly string[] };
  /** Decisions of publications that are no longer there: their recorded answer was taken as it is. */
  readonly unverified: number;
  /** Decisions whose facts lie before or behind what is kept: judged by the nearest that are. */
  readonly otherFacts: number;
  readonly cutPaths: number;
  readonly groups: readonly ChangeGroup[];
  /** Groups beyond those that are listed. */
  readonly moreGroups: number;
  readonly bySubject: readonly Gains[];
  readonly byResource: readonly Gains[];
  readonly byPolicy: readonly Gains[];
}

/** A rehearsal as `POST /policies/simulate` reports it. Times are milliseconds since the epoch. */
export interface RehearsalReport extends SimulationReport {
  readonly since: number;
  readonly until: number;
  readonly judged: number;
  /** False: there were more decisions than are replayed. */
  readonly isComplete: boolean;
  readonly firstRevision: number;
  readonly lastRevision: number;
  /** In words: what of this is not exact, and why. */
  readonly approximations: readonly string[];
  readonly durationMs: number;
}

export interface RehearsalProgress {
  readonly type: 'progress';
  readonly readBytes: number;
  readonly allBytes: number;
  readonly replayed: number;
}
