import type { MonotonicClock } from '#foundation/model';

export type ReplicaState =
  | { readonly state: 'never-synced' }
  | { readonly state: 'fresh' }
  /** `sinceMs`: for how many milliseconds control has not been heard. */
  | { readonly state: 'cut-off'; readonly sinceMs: number }
  | { readonly state: 'lease-ended' };

/** Heartbeats come each second; this much silence on an open connection counts as being cut off. */
export const silenceMsMax = 3_000;

/**
 * How long the facts may still be believed. Time is monotonic: a wall clock that jumps lengthens and shortens nothing.
 */
export class Lease {
  readonly #clock: MonotonicClock;
  /** As the last heartbeat gave it. */
  #leaseMs = 0;
  #renewedAt: number | undefined;
  #connected = false;

  constructor(clock: MonotonicClock) {
    this.#clock = clock;
  }

  /** Control said that nothing is missing, and for how long that may be believed when it says nothing more. */
  renew(leaseMs: number): void {
    this.#leaseMs = leaseMs;
    this.#renewedAt = this.#clock();
    this.#connected = true;
  }

  /** The connection is gone: fresh no longer, whatever the time. */
  cut(): void {
    this.#connected = false;
  }

  /** Over at once, whatever was left of it. */
  end(): void {
    this.#connected = false;
    if (this.#renewedAt !== undefined) this.#renewedAt = Number.NEGATIVE_INFINITY;
  }

  state(): ReplicaState {
    if (this.#renewedAt === undefined) return { state: 'never-synced' };
    const sinceMs = this.#clock() - this.#renewedAt;
    if (this.#connected && sinceMs < silenceMsMax) return { state: 'fresh' };
    if (sinceMs < this.#leaseMs) return { state: 'cut-off', sinceMs };
    return { state: 'lease-ended' };
  }
}
