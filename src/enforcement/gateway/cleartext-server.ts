import { createServer as createHttp2Server, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, createServer } from 'node:net';
import type { Clock } from '#foundation/model';
import { connectionFactsOf } from './connection-facts.ts';
import { AnswerDate } from './http1/answer-date.ts';
import { ClientConnection, type ConnectionNeeds } from './http1/client-connection.ts';
import { type Http2Options, http2Settings, serveStream, watchSession } from './http2-server.ts';
import { clientConnectionsMax, clientHeadersMsMax } from './limits.ts';
import { OpenConnections } from './open-connections.ts';
import type { Sweep } from './sweep.ts';

export interface CleartextServer {
  /** Listens; gives the port that was bound. */
  listen(address: { readonly host: string; readonly port: number }): Promise<number>;
  /** Stops accepting, tells clients to go elsewhere, lets running exchanges end, destroys what is left after `graceMs`. */
  close(graceMs: number): Promise<void>;
}

/** RFC 9113 3.4 begins so, and no method that is served does. */
const prefaceStart = Buffer.from('PRI', 'latin1');

/**
 * A listener without TLS for programs: HTTP/1.1, and HTTP/2 by prior knowledge (RFC 9113 3.3), told apart by the first bytes. Not for
 * browsers, and the caller keeps it on loopback.
 */
export function createCleartextServer(
  given: Omit<Http2Options, 'open'> & { readonly sweep: Sweep; readonly clock: Clock },
): CleartextServer {
  const open = new OpenConnections();
  const options = { ...given, open };
  const needs: ConnectionNeeds = {
    onExchange: options.onExchange,
    onTrouble: options.onTrouble,
    onGone: (connection) => open.deleteHttp1(connection),
    onTunnel: (tunnel, onGoingAway) => open.addTunnel(tunnel, onGoingAway),
    sweep: options.sweep,
    date: new AnswerDate(options.clock, options.sweep),
  };
  const http2 = createHttp2Server(http2Settings as Parameters<typeof createHttp2Server>[0]);
  http2.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, _flags: number, rawHeaders: string[]) =>
    serveStream(stream, { headers, rawHeaders, options }),
  );
  http2.on('session', (session) => watchSession(session, options));

  const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    open.addSocket(socket);
    const silent = () => socket.destroy();
    socket.setTimeout(clientHeadersMsMax, silent);
    socket.once('error', silent);
    socket.once('end', silent);
    socket.once('data', (first: Buffer) => {
      socket.pause();
      socket.setTimeout(0, silent);
      socket.off('error', silent);
      socket.off('end', silent);
      socket.unshift(first);
      if (first.subarray(0, prefaceStart.byteLength).equals(prefaceStart)) {
        // It takes what was read from the buffer, and the rest from below the stream: resumed, the stream would take it first.
        http2.emit('connection', socket);
        return;
      }
      open.addHttp1(new ClientConnection(socket, { facts: connectionFactsOf(socket), needs }));
      socket.resume();
    });
  });
  server.maxConnections = clientConnectionsMax;
  // One connection could not be accepted (no file descriptor left, say): unheard, it would end the process.
  server.on('error', () => options.onTrouble('accept'));

  return {
    listen: ({ host, port }) =>
      new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen({ host, port, backlog: 1024 }, () => {
          server.removeListener('error', reject);
          resolve((server.address() as AddressInfo).port);
        });
      }),
    close: (graceMs) => open.end([server], graceMs),
  };
}
