import type { Clock } from '#foundation/model';
import type { Sweep } from '../sweep.ts';

/** The `Date` field line (RFC 9110 6.6.1), written anew with each tick of the sweep, which is once a second. */
export class AnswerDate {
  readonly #clock: Clock;
  readonly #sweep: Sweep;
  #tick = -1;
  #line = '';

  constructor(clock: Clock, sweep: Sweep) {
    this.#clock = clock;
    this.#sweep = sweep;
  }

  get line(): string {
    const { tick } = this.#sweep;
    if (tick !== this.#tick) {
      this.#tick = tick;
      this.#line = `date: ${new Date(this.#clock()).toUTCString()}\r\n`;
    }
    return this.#line;
  }
}
