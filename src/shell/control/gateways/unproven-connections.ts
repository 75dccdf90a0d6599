import type { EventEmitter } from 'node:events';

/** What this needs of a socket. */
interface Connection extends EventEmitter {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  destroy(): unknown;
}

/** Connections that have not shown the certificate of a gateway of ours. */
const unprovenMax = 256;

const endOf = ({ remoteAddress, remotePort }: Connection) => `${remoteAddress} ${remotePort}`;

/**
 * Keeps strangers from taking the places of gateways: of more connections than `unprovenMax` that have proven nothing, the oldest makes
 * room. An honest handshake takes milliseconds, so only thousands of connections a second would drive it out.
 */
export class UnprovenConnections {
  readonly #byEnd = new Map<string, Connection>();

  /** A connection that was accepted, before its handshake. */
  add(connection: Connection): void {
    const end = endOf(connection);
    const [oldest] = this.#byEnd;
    if (oldest !== undefined && this.#byEnd.size >= unprovenMax) {
      this.#byEnd.delete(oldest[0]);
      oldest[1].destroy();
    }
    this.#byEnd.set(end, connection);
    connection.once('close', () => {
      if (this.#byEnd.get(end) === connection) this.#byEnd.delete(end);
    });
  }

  /** The connection behind this TLS socket is a gateway's. */
  prove(secured: Connection): void {
    this.#byEnd.delete(endOf(secured));
  }
}
