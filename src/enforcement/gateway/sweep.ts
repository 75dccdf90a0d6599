import { type MonotonicClock, Slots } from '#foundation/model';

/** Something that may have been waiting too long. */
export interface Swept {
  sweep(tick: number, sinceMs: (tick: number) => number): void;
}

/**
 * One slow clock for all exchanges. Noting `sweep.tick` on every byte costs nothing; a timer per request would not.
 * Deadlines are therefore kept to within one period.
 */
export interface Sweep {
  readonly tick: number;
  /** Gives the place to name when it is to be left out again. */
  add(item: Swept): number;
  delete(slot: number, item: Swept): void;
  stop(): void;
}

export const sweepPeriodMs = 1_000;
/** Times of the last ticks that are remembered: longer than the longest idle limit. */
const ticksKept = 8192;

export function createSweep(clock: MonotonicClock, periodMs: number = sweepPeriodMs): Sweep {
  const items = new Slots<Swept>();
  const times = new Float64Array(ticksKept);
  times[0] = clock();
  let tick = 0;
  const timer = setInterval(() => {
    tick++;
    const now = clock();
    times[tick % ticksKept] = now;
    const sinceMs = (since: number) =>
      tick - since >= ticksKept ? Number.POSITIVE_INFINITY : now - (times[since % ticksKept] ?? now);
    for (const item of items) item.sweep(tick, sinceMs);
  }, periodMs);
  timer.unref();
  return {
    get tick() {
      return tick;
    },
    add: (item) => items.add(item),
    delete: (slot, item) => void items.delete(slot, item),
    stop: () => clearInterval(timer),
  };
}
