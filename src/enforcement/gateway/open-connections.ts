import type { ServerHttp2Session } from 'node:http2';
import type { Server, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ClientConnection } from './http1/client-connection.ts';

/** What clients have open, so that it ends in order when its servers close. */
export class OpenConnections {
  readonly #sockets = new Set<Socket>();
  readonly #http1 = new Set<ClientConnection>();
  readonly #http2 = new Set<ServerHttp2Session>();
  /** What to tell each tunnel that is open. */
  readonly #tunnels = new Set<() => void>();
  #isEnding = false;

  /** `onGone`: called once, when the socket is closed. */
  addSocket(socket: Socket, onGone?: () => void): void {
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      onGone?.();
    });
  }

  addHttp1(connection: ClientConnection): void {
    this.#http1.add(connection);
    if (this.#isEnding) connection.closeSoon();
  }

  deleteHttp1(connection: ClientConnection): void {
    this.#http1.delete(connection);
  }

  addHttp2(session: ServerHttp2Session): void {
    this.#http2.add(session);
    session.once('close', () => this.#http2.delete(session));
    if (this.#isEnding) session.close();
  }

  /** A connection or stream whose bytes are no longer HTTP: `onGoingAway` ends it in its own protocol's words. */
  addTunnel(tunnel: Duplex, onGoingAway: () => void): void {
    this.#tunnels.add(onGoingAway);
    tunnel.once('close', () => this.#tunnels.delete(onGoingAway));
    if (this.#isEnding) onGoingAway();
  }

  /** Stops accepting, tells clients to send nothing more here, lets what runs end, and destroys the rest after `graceMs`. */
  async end(servers: readonly Server[], graceMs: number): Promise<void> {
    this.#isEnding = true;
    const closed = servers
      .filter((server) => server.listening)
      .map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    for (const connection of this.#http1) connection.closeSoon();
    // GOAWAY names the last stream that is served: what was sent behind it may be sent again elsewhere (RFC 9113 6.8). An announcement
    // before it, by the highest stream there can be, is no way here: nghttp2 then reads nothing more of a session without streams.
    for (const session of this.#http2) session.close();
    for (const goAway of this.#tunnels) goAway();
    const timer = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, graceMs);
    await Promise.all(closed);
    clearTimeout(timer);
  }
}
