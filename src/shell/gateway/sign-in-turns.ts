import { ConnectionCounts } from '#enforcement/gateway';
import { ControlError } from './control-client.ts';

/** Of the connections to control (`controlConnectionsMax`): people's own calls keep the rest. */
const runningMax = 4;
const waitingMax = 512;
/** Of one client address, running or waiting; a network has four times as many. */
const perClientMax = 32;

/**
 * Strangers sign in by calls to control, as many as they like. In one queue with the calls that signed-in people wait for, a few thousand
 * page loads of one client would let all of them run into their time limit. So strangers have turns of their own: few at once,
 * few of one client, and what is too many is refused at once.
 */
export class SignInTurns {
  readonly #counts = new ConnectionCounts(perClientMax);
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  /** Calls when it is this client's turn. Throws ControlError `refused` when there are too many, or nobody waits for it any more. */
  async take<T>(address: string, { call, isWanted }: { call: () => Promise<T>; isWanted: () => boolean }): Promise<T> {
    const leave = this.#waiting.length < waitingMax ? this.#counts.enter(address) : null;
    if (leave === null) throw tooMany();
    if (this.#running < runningMax) this.#running += 1;
    // Whoever ends gives its place on.
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      if (!isWanted()) throw tooMany();
      return await call();
    } finally {
      leave();
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}

const tooMany = () =>
  new ControlError('refused', {
    status: 503,
    message: 'Too many sign-ins are under way. Try again in a moment.',
  });
