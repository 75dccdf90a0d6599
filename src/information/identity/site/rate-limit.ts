import type { Clock } from '#foundation/model';

interface Bucket {
  tokens: number;
  at: number;
}

/** Keys remembered at once; beyond it the one idle for longest is forgotten. */
const keysMax = 10_000;

/**
 * A token bucket per key (an address, an account): `burst` at once, then one more every `refillMs`. Keys are
 * attacker-chosen, so their number is bounded.
 */
export class RateLimit {
  readonly #buckets = new Map<string, Bucket>();
  readonly #burst: number;
  readonly #refillMs: number;
  readonly #clock: Clock;

  constructor(clock: Clock, options: { burst: number; refillMs: number }) {
    this.#clock = clock;
    this.#burst = options.burst;
    this.#refillMs = options.refillMs;
  }

  /** Takes one token. False: too many, try later. */
  take(key: string): boolean {
    const now = this.#clock();
    const bucket = this.#buckets.get(key) ?? { tokens: this.#burst, at: now };
    // A clock that jumps back refills nothing.
    const refilled = Math.max(0, now - bucket.at) / this.#refillMs;
    const tokens = Math.min(this.#burst, bucket.tokens + refilled);
    this.#buckets.delete(key);
    this.#buckets.set(key, { tokens: tokens >= 1 ? tokens - 1 : tokens, at: now });
    if (this.#buckets.size > keysMax) {
      const [oldest] = this.#buckets.keys();
      if (oldest !== undefined) this.#buckets.delete(oldest);
    }
    return tokens >= 1;
  }
}
