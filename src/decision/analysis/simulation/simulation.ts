import type { Question, RehearsedSubject, SimulationReport, Skipped } from '#foundation/model';
import { type AskedSet, DecideAgain } from './decide-again.ts';
import { Tally, type TallyParts } from './tally.ts';
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
  readonly subject: RehearsedSubject;
}

const examplesMax = 5;

const countNames = ['replayed', 'same', 'notReproduced', 'unverified', 'otherFacts', 'cutPaths', 'judged'] as const;
type Counts = Record<(typeof countNames)[number], number>;

/** What a part of a rehearsal found: plain data, to be put together with other parts. */
export interface SimulationParts {
  readonly counts: Readonly<Counts>;
  readonly skipped: Readonly<Record<Skipped, number>>;
  readonly examples: readonly string[];
  readonly tally: TallyParts;
}

/** Puts together what parts of a journal gave. */
export function reportOf(parts: readonly SimulationParts[]): SimulationReport & { readonly judged: number } {
  const tally = new Tally();
  const skipped: Record<Skipped, number> = { erased: 0, counted: 0, ended: 0, damaged: 0, other: 0 };
  const counts = Object.fromEntries(countNames.map((name) => [name, 0])) as Counts;
  for (const part of parts) {
    tally.take(part.tally);
    for (const name of countNames) counts[name] += part.counts[name];
    for (const why of Object.keys(skipped) as Skipped[]) skipped[why] += part.skipped[why];
  }
  const { notReproduced, ...rest } = counts;
  const examples = parts.flatMap((part) => part.examples).slice(0, examplesMax);
  return { ...rest, skipped, notReproduced: { count: notReproduced, examples }, ...tally.sums() };
}

/** Replays decisions one by one and keeps the sum, in bounded memory. */
export class Simulation {
  readonly #facts: VersionedFacts;
  readonly #again: DecideAgain;
  readonly #tally = new Tally();
  readonly #skipped: Record<Skipped, number> = { erased: 0, counted: 0, ended: 0, damaged: 0, other: 0 };
  readonly #examples: string[] = [];
  readonly #counts = Object.fromEntries(countNames.map((name) => [name, 0])) as Counts;

  constructor(needs: { facts: VersionedFacts; before: ReadonlyMap<number, AskedSet>; after: AskedSet }) {
    this.#facts = needs.facts;
    this.#again = new DecideAgain(needs);
  }

  skip(why: Skipped): void {
    this.#skipped[why] += 1;
  }

  replay(decision: RecordedDecision): void {
    const { question, time, policySequence: sequence, factRevision } = decision;
    const counts = this.#counts;
    counts.replayed += 1;
    if (this.#facts.at(factRevision) !== factRevision) counts.otherFacts += 1;
    if (decision.isPathCut) counts.cutPaths += 1;
    const { before, after } = this.#again.decide(question, { time, sequence });
    const wasAllowed = decision.answer === 'allow';
    if (before === null) counts.unverified += 1;
    else if (before.isAllowed !== wasAllowed) {
      counts.notReproduced += 1;
      if (this.#examples.length < examplesMax) this.#examples.push(decision.id);
      return;
    }
    if (after.isAllowed === wasAllowed) counts.same += 1;
    else {
      this.#tally.add(decision, { before: before?.reasons ?? [], after: after.reasons, isGain: after.isAllowed });
    }
  }

  parts(): SimulationParts {
    const counts = { ...this.#counts, judged: this.#again.judged };
    return { counts, skipped: { ...this.#skipped }, examples: [...this.#examples], tally: this.#tally.parts() };
  }

  report(): SimulationReport & { readonly judged: number } {
    return reportOf([this.parts()]);
  }
}
