// The app behind the gateway, in a process of its own: event streams, WebSockets, a download and an upload. Says its port to its parent.
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline, Readable } from 'node:stream';

const chunk = Buffer.alloc(64 * 1024, 'x');

function* download(bytes: number): Generator<Buffer> {
  for (let left = bytes; left > 0; left -= chunk.byteLength)
    yield left < chunk.byteLength ? chunk.subarray(0, left) : chunk;
}

const server = createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://app');
  if (url.pathname === '/events') {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: open\n\n');
  } else if (url.pathname === '/download') {
    const bytes = Number(url.searchParams.get('bytes'));
    response.writeHead(200, { 'content-length': bytes });
    pipeline(Readable.from(download(bytes)), response, () => undefined);
  } else if (url.pathname === '/upload') {
    let bytes = 0;
    request.on('data', (part: Buffer) => {
      bytes += part.byteLength;
    });
    request.on('end', () => response.end(String(bytes)));
  } else response.end('x'.repeat(1024));
});
server.on('upgrade', (request, socket) => {
  const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
  const accept = createHash('sha1').update(key).digest('base64');
  socket.on('error', () => undefined);
  socket.on('end', () => socket.end());
  socket.resume();
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`,
  );
});
server.keepAliveTimeout = 60_000;
server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () =>
  process.send?.((server.address() as AddressInfo).port),
);
process.on('disconnect', () => process.exit());
