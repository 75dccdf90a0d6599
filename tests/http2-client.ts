import { type ClientHttp2Session, connect, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2';
import type { TestContext } from 'node:test';
import { connect as connectTls } from 'node:tls';
import type { Installation } from './installation.ts';

export interface Http2Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** An HTTP/2 connection to a host of the installation; the server's settings have arrived. Ends with the test. */
export async function openHttp2(t: TestContext, installation: Installation, host: string): Promise<ClientHttp2Session> {
  const session = connect(`https://${host}:${installation.ports.tls}`, {
    createConnection: () => connectTls({ ...installation.tlsTo(host), ALPNProtocols: ['h2'] }),
  });
  t.after(() => session.destroy());
  await new Promise<void>((resolve, reject) => {
    session.once('remoteSettings', () => resolve());
    session.once('error', reject);
  });
  session.on('error', () => undefined);
  return session;
}

/** One request over it, with its whole answer. */
export function askHttp2(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  body?: Uint8Array,
): Promise<Http2Reply> {
  const stream = session.request(headers, { endStream: body === undefined });
  if (body !== undefined) stream.end(body);
  let received: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders = {};
  const chunks: Buffer[] = [];
  stream.on('response', (given) => {
    received = given;
  });
  stream.on('trailers', (given) => {
    trailers = given;
  });
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return new Promise((resolve, reject) => {
    stream.once('error', reject);
    stream.once('close', () =>
      resolve({ status: Number(received[':status']), headers: received, trailers, body: Buffer.concat(chunks) }),
    );
  });
}
