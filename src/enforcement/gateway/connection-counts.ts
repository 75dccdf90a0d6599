import { clientBlockOf } from './address-words.ts';
import { isLoopback } from './upstream-address.ts';

/**
 * Open connections of each client, so that one alone cannot hold all there may be. Connections from this machine are not counted: whoever
 * runs programs here, a proxy in front for one, is bounded by all connections together.
 */
export class ConnectionCounts {
  readonly #max: number;
  /** As many as there are open connections, at most. */
  readonly #counts = new Map<string, number>();

  constructor(max: number) {
    this.#max = max;
  }

  /** Takes a connection of this address in; gives what to call once when it is gone, or null: there are enough. */
  enter(address: string): (() => void) | null {
    if (isLoopback(address)) return nothingToDo;
    const client = clientBlockOf(address);
    const count = this.#counts.get(client) ?? 0;
    if (count >= this.#max) return null;
    this.#counts.set(client, count + 1);
    return () => this.#leave(client);
  }

  #leave(client: string): void {
    const left = (this.#counts.get(client) ?? 0) - 1;
    if (left > 0) this.#counts.set(client, left);
    else this.#counts.delete(client);
  }

  /** How many clients have a connection. */
  get size(): number {
    return this.#counts.size;
  }
}

const nothingToDo = () => {};
