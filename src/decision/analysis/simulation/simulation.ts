import type { Question } from '#foundation/model';
import { type AskedSet, DecideAgain } from './decide-again.ts';
import { type ChangeGroup, Tally, type TallySum } from './tally.ts';
import type { VersionedFacts } from './versioned-facts.ts';

/** A decision as it was recorded. */
export interface RecordedDecision {
  readonly id: string;
  readonly question: Question;
  /** When it was judged, milliseconds since the epoch. */
  readonly time: number;
  readonly answer: 'allow' | 'deny' | 'indeterminate';
  readonly isPathCut: boolean;
  readonly policySequence: number;
  readonly factRevision: number;
  /** Who asked, for people to read. */
  readonly subject: { readonly kind: 'user' | 'token' | 'stranger'; readonly id: string; readonly name: string };
}

/** Why a record was not replayed. */
export type Skipped = 'erased' | 'counted' | 'ended' | 'other';

export interface SimulationReport {
  readonly replayed: number;
  readonly skipped: Readonly<Record<Skipped, number>>;
  /** Answers that the rehearsed policies leave as they were recorded. */
  readonly same: number;
  readonly gained: TallySum;
  readonly lost: TallySum;
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

/** What one subject, resource or policy gains and loses, in decisions. */
export interface Gains {
  readonly key: string;
  readonly name: string;
  readonly gained: number;
  readonly lost: number;
}

const examplesMax = 5;

/** Replays decisions one by one and keeps the sum, in bounded memory. */
export class Simulation {
  readonly #facts: VersionedFacts;
  readonly #again: DecideAgain;
  readonly #tally = new Tally();
  readonly #skipped: Record<Skipped, number> = { erased: 0, counted: 0, ended: 0, other: 0 };
  readonly #examples: string[] = [];
  #replayed = 0;
  #same = 0;
  #notReproduced = 0;
  #unverified = 0;
  #otherFacts = 0;
  #cutPaths = 0;

  constructor(needs: { facts: VersionedFacts; before: ReadonlyMap<number, AskedSet>; after: AskedSet }) {
    this.#facts = needs.facts;
    this.#again = new DecideAgain(needs);
  }

  get judged(): number {
    return this.#again.judged;
  }

  skip(why: Skipped): void {
    this.#skipped[why] += 1;
  }

  replay(decision: RecordedDecision): void {
    const { question, time, policySequence: sequence, factRevision } = decision;
    this.#replayed += 1;
    if (this.#facts.at(factRevision) !== factRevision) this.#otherFacts += 1;
    if (decision.isPathCut) this.#cutPaths += 1;
    const { before, after } = this.#again.decide(question, { time, sequence });
    const wasAllowed = decision.answer === 'allow';
    if (before === null) this.#unverified += 1;
    else if (before.isAllowed !== wasAllowed) {
      this.#notReproduced += 1;
      if (this.#examples.length < examplesMax) this.#examples.push(decision.id);
      return;
    }
    if (after.isAllowed === wasAllowed) this.#same += 1;
    else this.#tally.add(decision, { before: before?.reasons ?? [], after: after.reasons, isGain: after.isAllowed });
  }

  report(): SimulationReport {
    return {
      replayed: this.#replayed,
      skipped: { ...this.#skipped },
      same: this.#same,
      notReproduced: { count: this.#notReproduced, examples: [...this.#examples] },
      unverified: this.#unverified,
      otherFacts: this.#otherFacts,
      cutPaths: this.#cutPaths,
      ...this.#tally.sums(),
    };
  }
}
