// `node relay.ts PLAIN TLS UPSTREAM CERTIFICATE KEY`: the floor of one JavaScript thread. It hands bytes on between sockets, one read and
// one write each way, finds the end of a head and looks at nothing else: no parsing, no session, no decision, no event.
import { readFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';

const [plain = '', tls = '', upstream = '', certificate = '', key = ''] = process.argv.slice(2);
const readBuffer = Buffer.allocUnsafeSlow(64 * 1024);
const headEnd = Buffer.from('\r\n\r\n');
const request = 'GET / HTTP/1.1\r\nhost: app\r\n\r\n';
const idle: Relayed[] = [];

interface Relayed {
  readonly socket: Socket;
  client: Socket | null;
}

function dial(): Relayed {
  const callback = (byteCount: number) => {
    const { client } = relayed;
    relayed.client = null;
    idle.push(relayed);
    client?.write(readBuffer.toString('latin1', 0, byteCount), 'latin1');
    return true;
  };
  const socket = connect({
    port: Number(upstream),
    host: '127.0.0.1',
    noDelay: true,
    onread: { buffer: readBuffer, callback },
  });
  const relayed: Relayed = { socket, client: null };
  return relayed;
}

/** One that waits, or a new one: the app closes those that have waited for long. */
function relayedConnection(): Relayed {
  let relayed = idle.pop();
  while (relayed?.socket.destroyed) relayed = idle.pop();
  return relayed ?? dial();
}

function relay(client: Socket): void {
  client.on('error', () => client.destroy());
  client.on('data', (chunk: Buffer) => {
    if (!chunk.includes(headEnd)) return;
    const relayed = relayedConnection();
    relayed.client = client;
    relayed.socket.write(request, 'latin1');
  });
}

createServer({ noDelay: true }, relay).listen({ port: Number(plain), host: '127.0.0.1', backlog: 1024 });
createTlsServer(
  { cert: readFileSync(certificate), key: readFileSync(key), minVersion: 'TLSv1.3', noDelay: true },
  relay,
).listen({ port: Number(tls), host: '127.0.0.1', backlog: 1024 });
