import { addressBlocksOf } from './address-words.ts';
import { connectionsPerNetworkTimes } from './limits.ts';
import { isLoopback } from './upstream-address.ts';

/**
 * Open connections of each client, and of each site that may be many clients, so that neither alone can hold all there may be. Connections
 * from this machine are not counted: whoever runs programs here, a proxy in front for one, is bounded by all connections together.
 */
export class ConnectionCounts {
  readonly #max: number;
  /** By client and by network: at most two for each open connection. */
  readonly #counts = new Map<string, number>();

  /** `max`: of one client; a network holds a few times as many. */
  constructor(max: number) {
    this.#max = max;
  }

  /** Takes a connection of this address in; gives what to call once when it is gone, or null: there are enough. */
  enter(address: string): (() => void) | null {
    if (isLoopback(address)) return nothingToDo;
    const { client, network } = addressBlocksOf(address);
    if (this.#count(client) >= this.#max) return null;
    if (this.#count(network) >= this.#max * connectionsPerNetworkTimes) return null;
    this.#counts.set(client, this.#count(client) + 1);
    this.#counts.set(network, this.#count(network) + 1);
    return () => {
      this.#leave(client);
      this.#leave(network);
    };
  }

  #count(block: string): number {
    return this.#counts.get(block) ?? 0;
  }

  #leave(block: string): void {
    const left = this.#count(block) - 1;
    if (left > 0) this.#counts.set(block, left);
    else this.#counts.delete(block);
  }

  /** How many clients and networks have a connection. */
  get size(): number {
    return this.#counts.size;
  }
}

const nothingToDo = () => {};
