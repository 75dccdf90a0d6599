import { type StrangerRequest, StrangerTally } from '#evidence/log';
import type { Clock, JournalEvent, RandomBytes } from '#foundation/model';

/** Summaries that wait for a journal that does not take them; the oldest go first. */
const waitingMax = 2_000;

export interface StrangerEventNeeds {
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  /** What the facts are now, for the summaries. */
  readonly at: () => { readonly policySequence: number; readonly factRevision: number };
  readonly record: (event: JournalEvent) => Promise<void>;
  /** Told how many summaries had to be given up, or why they wait. */
  readonly onFault: (error: unknown) => void;
}

/** Counts requests of strangers and writes what was counted: a summary the journal refuses is tried again. */
export class StrangerEvents {
  readonly #needs: StrangerEventNeeds;
  readonly #tally: StrangerTally;
  #waiting: JournalEvent[] = [];
  #flushing: Promise<void> | undefined;

  constructor(needs: StrangerEventNeeds) {
    this.#needs = needs;
    this.#tally = new StrangerTally({ now: needs.clock, random: needs.randomBytes });
  }

  /** Counts a request; gives how many like it there were since the last flush. */
  note(request: StrangerRequest): number {
    return this.#tally.note(request);
  }

  /** Resolves when what was counted so far is written, or waits for the next flush. Never rejects. */
  flush(): Promise<void> {
    this.#flushing ??= this.#write().finally(() => {
      this.#flushing = undefined;
    });
    return this.#flushing;
  }

  async #write(): Promise<void> {
    const events = [...this.#waiting, ...this.#tally.drain(this.#needs.at())];
    const written = await Promise.allSettled(events.map((event) => this.#needs.record(event)));
    const refused = events.filter((_, index) => written[index]?.status === 'rejected');
    const lost = Math.max(0, refused.length - waitingMax);
    this.#waiting = refused.slice(lost);
    const first = written.find((each) => each.status === 'rejected');
    if (first !== undefined) this.#needs.onFault(first.reason);
    if (lost > 0) this.#needs.onFault(new Error(`${lost} summaries of strangers' requests were given up`));
  }
}
