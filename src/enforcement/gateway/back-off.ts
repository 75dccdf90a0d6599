import { upstreamRestMsMax, upstreamRestMsMin } from './limits.ts';

/**
 * Keeps an app that cannot be reached from being dialled for every request: for a while after a failure, who asks is told it at once.
 * The while doubles from failure to failure, up to a bound, until a connection works.
 */
export class BackOff {
  #error: Error | null = null;
  #restMs = upstreamRestMsMin;

  /** Why nothing is tried just now, or null. */
  get error(): Error | null {
    return this.#error;
  }

  failed(error: Error): void {
    if (this.#error !== null) return;
    this.#error = error;
    setTimeout(() => {
      this.#error = null;
    }, this.#restMs).unref();
    this.#restMs = Math.min(2 * this.#restMs, upstreamRestMsMax);
  }

  worked(): void {
    this.#restMs = upstreamRestMsMin;
  }
}
