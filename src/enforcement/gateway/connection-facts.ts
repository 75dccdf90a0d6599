import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { ConnectionFacts } from './read-request.ts';

const known = new WeakMap<Socket, ConnectionFacts>();

/** What a socket says of its client, asked once for each connection. */
export function connectionFactsOf(socket: Socket): ConnectionFacts {
  let facts = known.get(socket);
  if (facts === undefined) {
    const tls = socket instanceof TLSSocket;
    const name = tls ? socket.servername : undefined;
    const address = (socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/, '');
    facts = { address, tls, servername: typeof name === 'string' && name !== '' ? name : null };
    known.set(socket, facts);
  }
  return facts;
}
