// All connections read into one buffer, and all answers of apps into another: whatever is cut, left over, held back, piped on or broken off
// meanwhile, nobody gets a byte that is not theirs.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { listen, startGateway, type TestGateway } from '../test-gateway.ts';
import { websocketAccept } from '../websocket-handshake.ts';

const [clientCount, requestCount] = [12, 4];
const sizes = [0, 7, 900, 20_000, 70_000, 150_000];

/** Repeatable, and random enough. */
function numbers(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state >>> 8) % limit;
  };
}

/** Text of which each piece tells whose it is, and where in it that piece stands. */
function mark(client: number, { request, length }: { request: number; length: number }): string {
  let text = '';
  while (text.length < length) text += `<${client}.${request}@${text.length}>`;
  return text.slice(0, length);
}

/** An app that reads by fits and starts, and says back who asked and what was sent, in pieces of all sizes. */
async function echo(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const below = numbers(Number(request.headers['x-seed']));
  let body = '';
  request.setEncoding('latin1');
  for await (const piece of request) {
    body += piece;
    if (below(4) === 0) await new Promise((resolve) => setTimeout(resolve, below(4)));
  }
  const answer = `${request.url} ${request.headers.cookie} ${body}`;
  if (below(3) === 0) {
    response.end(answer);
    return;
  }
  for (let at = 0; at < answer.length; ) {
    const end = at + 1 + below(60_000);
    if (!response.write(answer.slice(at, end), 'latin1')) await once(response, 'drain');
    if (below(3) === 0) await new Promise((resolve) => setImmediate(resolve));
    at = end;
  }
  response.end();
}

interface Script {
  readonly bytes: string;
  readonly answers: readonly string[];
}

function scriptOf(client: number, below: (limit: number) => number): Script {
  let bytes = '';
  const answers: string[] = [];
  for (let request = 0; request < requestCount; request += 1) {
    const body = mark(client, { request, length: sizes[below(sizes.length)] ?? 0 });
    const cookie = `own=${mark(client, { request, length: 200 + below(3_000) }).replaceAll(/[<>]/g, '_')}`;
    const head = `POST /${client}/${request} HTTP/1.1\r\nhost: app.localhost\r\nx-seed: ${below(1e6)}\r\ncookie: ${cookie}\r\n`;
    if (below(2) === 0) bytes += `${head}content-length: ${body.length}\r\n\r\n${body}`;
    else bytes += `${head}transfer-encoding: chunked\r\n\r\n${chunks(body, below)}`;
    answers.push(`/${client}/${request} ${cookie} ${body}`);
  }
  return { bytes, answers };
}

function chunks(body: string, below: (limit: number) => number): string {
  let text = '';
  for (let at = 0; at < body.length; ) {
    const piece = body.slice(at, at + 1 + below(30_000));
    text += `${piece.length.toString(16)}\r\n${piece}\r\n`;
    at += piece.length;
  }
  return `${text}0\r\n\r\n`;
}

/** Bodies of the answers that have come whole. */
function bodiesOf(text: string): string[] {
  const bodies: string[] = [];
  for (let at = 0; at < text.length; ) {
    const headEnd = text.indexOf('\r\n\r\n', at);
    if (headEnd < 0) break;
    const head = text.slice(at, headEnd);
    assert.match(head, /^HTTP\/1\.1 200 OK\r\n/);
    at = headEnd + 4;
    const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
    let body = '';
    for (let left = Number(length ?? -1); left !== 0; ) {
      if (length !== undefined) {
        body = text.slice(at, at + left);
        at += left;
        if (body.length < left) return bodies;
        break;
      }
      const lineEnd = text.indexOf('\r\n', at);
      if (lineEnd < 0) return bodies;
      left = Number.parseInt(text.slice(at, lineEnd), 16);
      assert.ok(left >= 0);
      body += text.slice(lineEnd + 2, lineEnd + 2 + left);
      at = lineEnd + 4 + left;
      if (at > text.length) return bodies;
    }
    bodies.push(body);
  }
  return bodies;
}

function dial(t: TestContext, { gateway, isTls }: { gateway: TestGateway; isTls: boolean }): Socket {
  const at = { host: '127.0.0.1', port: isTls ? gateway.tlsPort : gateway.port };
  const socket = isTls
    ? connectTls({ ...at, ca: gateway.ca, servername: 'app.localhost', ALPNProtocols: ['http/1.1'] })
    : connect(at);
  t.after(() => socket.destroy());
  return socket.setNoDelay(true).setEncoding('latin1');
}

/** Sends in pieces that are cut anywhere, some together, some turns apart. */
async function sendInPieces(socket: Socket, { bytes, below }: { bytes: string; below: (limit: number) => number }) {
  for (let at = 0; at < bytes.length && !socket.destroyed; ) {
    const end = at + 1 + below([5, 300, 5_000, 100_000][below(4)] ?? 1);
    socket.write(bytes.slice(at, end), 'latin1');
    at = end;
    if (below(3) > 0) await new Promise((resolve) => setImmediate(resolve));
  }
}

/** One that sends what nobody can use, or goes away in the middle: what it leaves in the buffer is nobody's. */
async function disturb(t: TestContext, { gateway, below }: { gateway: TestGateway; below: (limit: number) => number }) {
  const socket = dial(t, { gateway, isTls: below(2) === 0 });
  socket.on('error', () => {});
  socket.on('data', () => {});
  const odd = [
    `GET / HTTP/1.1\r\nhost: app.localhost\r\ncookie: own=${'DISTURBED'.repeat(1_000)}`,
    `POST / HTTP/1.1\r\nhost: app.localhost\r\nx-seed: 1\r\ntransfer-encoding: chunked\r\n\r\n9\r\nDISTURBED\r\nDISTURBED`,
    `POST / HTTP/1.1\r\nhost: app.localhost\r\nx-seed: 1\r\ncontent-length: 100000\r\n\r\n${'DISTURBED'.repeat(9_000)}`,
    `DISTURBED\0DISTURBED`.repeat(3_000),
  ];
  await sendInPieces(socket, { bytes: odd[below(odd.length)] ?? '', below });
  setTimeout(() => socket.destroy(), below(10));
}

test('many clients that send and take in pieces of all sizes, over cleartext and TLS, each get their own answers to the byte', async (t) => {
  const gateway = await startGateway(t, {
    tls: ['app.localhost'],
    upstream: (request, response) => void echo(request, response).catch(() => response.destroy()),
  });
  const ask = async (client: number) => {
    const below = numbers(client);
    const { bytes, answers } = scriptOf(client, below);
    const socket = dial(t, { gateway, isTls: client % 2 === 0 });
    let text = '';
    let [nextLook, bodies] = [0, [] as string[]];
    const taken = new Promise<void>((resolve, reject) => {
      socket.on('data', (piece) => {
        text += piece;
        if (below(6) === 0) {
          socket.pause();
          setTimeout(() => socket.resume(), below(5));
        }
        const due = answers.slice(0, requestCount).join('').length;
        if (text.length < Math.max(due, nextLook)) return;
        nextLook = text.length + 1;
        bodies = bodiesOf(text);
        if (bodies.length === requestCount) resolve();
      });
      socket.on('error', reject);
      socket.on('close', () => reject(new Error(`closed after ${bodiesOf(text).length} answers`)));
    });
    await Promise.all([taken, sendInPieces(socket, { bytes, below })]);
    for (const [index, answer] of answers.entries())
      assert.ok(bodies[index] === answer, `answer ${index} of ${client}`);
    socket.removeAllListeners('close').destroy();
  };
  const below = numbers(7);
  const disturbances = Array.from({ length: clientCount }, () => disturb(t, { gateway, below }));
  await Promise.all([...Array.from({ length: clientCount }, (_, client) => ask(client + 1)), ...disturbances]);
});

test('what comes right behind a WebSocket handshake, both ways, belongs to that tunnel alone', async (t) => {
  const app = createServer();
  app.on('upgrade', (request, socket, head) => {
    const accept = websocketAccept(String(request.headers['sec-websocket-key']));
    const greeting = `${request.url} `.repeat(50);
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n${greeting}`,
    );
    socket.write(head);
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  const gateway = await startGateway(t, {
    tls: ['app.localhost'],
    upstreamUrl: `http://127.0.0.1:${await listen(t, app)}`,
  });
  const open = async (client: number) => {
    const below = numbers(1_000 + client);
    const frames = mark(client, { request: 0, length: 120_000 });
    const expected = `/${client} `.repeat(50) + frames;
    const socket = dial(t, { gateway, isTls: client % 2 === 0 });
    let text = '';
    const taken = new Promise<void>((resolve, reject) => {
      socket.on('data', (piece) => {
        text += piece;
        if (below(8) === 0) {
          socket.pause();
          setTimeout(() => socket.resume(), below(4));
        }
        if (text.length - text.indexOf('\r\n\r\n') - 4 >= expected.length) resolve();
      });
      socket.on('error', reject);
      socket.on('close', () => reject(new Error('closed')));
    });
    const key = Buffer.alloc(16, client).toString('base64');
    const handshake = `GET /${client} HTTP/1.1\r\nhost: app.localhost\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: ${key}\r\n\r\n`;
    await Promise.all([taken, sendInPieces(socket, { bytes: handshake + frames, below })]);
    assert.ok(text.slice(text.indexOf('\r\n\r\n') + 4) === expected, `tunnel ${client}`);
    socket.removeAllListeners('close').destroy();
  };
  await Promise.all(Array.from({ length: clientCount }, (_, client) => open(client + 1)));
});
