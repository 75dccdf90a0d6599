import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { keyHashOf } from '#foundation/crypto';
import type { ClientCertificate, ConnectionFacts } from './read-request.ts';

const known = new WeakMap<Socket, ConnectionFacts>();

/** What a socket says of its client, asked once for each connection. */
export function connectionFactsOf(socket: Socket): ConnectionFacts {
  let facts = known.get(socket);
  if (facts === undefined) {
    const tls = socket instanceof TLSSocket;
    const name = tls ? socket.servername : undefined;
    const address = (socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/, '');
    const certificate = tls ? clientCertificateOf(socket) : undefined;
    facts = {
      address,
      tls,
      servername: typeof name === 'string' && name !== '' ? name : null,
      ...(certificate === undefined ? {} : { certificate }),
    };
    known.set(socket, facts);
  }
  return facts;
}

/** What cannot be read counts as none shown. */
function clientCertificateOf(socket: TLSSocket): ClientCertificate | undefined {
  const shown = socket.getPeerX509Certificate();
  if (shown === undefined) return undefined;
  try {
    const [validFrom, validTo] = [shown.validFromDate.getTime(), shown.validToDate.getTime()];
    return { keyHash: keyHashOf(shown), validFrom, validTo };
  } catch {
    return undefined;
  }
}
