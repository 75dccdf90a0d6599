import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  createSecureServer,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import { createServer as createNetServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { WebSocket } from 'ws';
import { makeCertificate } from '../../../tests/test-certificate.ts';
import { listen, startGateway, type TestGateway, until } from './test-gateway.ts';
import {
  code,
  dataFrame,
  endHeaders,
  endStream,
  field,
  frame,
  headersFrame,
  pingFrame,
  rawHttp2App,
  resetFrame,
  status200,
  takesConnect,
} from './test-http2-wire.ts';

type OnSocket = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

/** Of HPACK's static table (RFC 7541 A). */
const status404 = Buffer.from([0x8d]);
const settings = { enableConnectProtocol: true };

/** A gateway before an app that speaks HTTP/2 only. */
async function before(t: TestContext, onSocket: OnSocket, kind: 'h2c' | 'https' | 'h2c without' = 'h2c') {
  const certificate = await makeCertificate(['localhost']);
  const app: Http2Server =
    kind === 'https'
      ? (createSecureServer({ ...certificate, settings }) as unknown as Http2Server)
      : createServer(kind === 'h2c' ? { settings } : {});
  const closed: ServerHttp2Stream[] = [];
  let sessions = 0;
  app.on('session', (session) => {
    sessions++;
    session.on('error', () => {});
    session.on('close', () => sessions--);
  });
  app.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    stream.on('close', () => closed.push(stream));
    onSocket(stream, headers);
  });
  const port = await listen(t, app);
  const scheme = kind === 'https' ? 'https' : 'h2c';
  const gateway = await startGateway(t, {
    upstreamUrl: `${scheme}://localhost:${port}`,
    upstreamCa: certificate.cert,
  });
  return { gateway, closed, openSessions: () => sessions };
}

/** Sends back each short text frame of a client (masked), as servers do (RFC 6455 5.2, 5.3). */
const echo: OnSocket = (stream) => {
  stream.respond({ ':status': 200, 'sec-websocket-protocol': 'chat', 'set-cookie': '__Host-nullius_app=x' });
  stream.on('data', (frame: Buffer) => {
    const length = (frame[1] ?? 0) & 0x7f;
    const mask = frame.subarray(2, 6);
    const text = frame.subarray(6, 6 + length).map((byte, at) => byte ^ (mask[at % 4] ?? 0));
    stream.write(Buffer.concat([Buffer.from([frame[0] ?? 0, length]), text]));
    if (frame[0] === 0x88) stream.end();
  });
};

const open = (gateway: TestGateway) =>
  new WebSocket(`ws://127.0.0.1:${gateway.port}/live?room=1`, ['chat', 'other'], {
    headers: { host: 'app.localhost', cookie: 'a=1; __Host-nullius_app=secret' },
    perMessageDeflate: false,
  });

/** Status and body of an answer that opens no WebSocket. */
async function declined(gateway: TestGateway): Promise<{ status: number; body: string }> {
  const socket = open(gateway);
  socket.on('error', () => {});
  const [, answer] = await once(socket, 'unexpected-response');
  let body = '';
  for await (const chunk of answer) body += chunk;
  return { status: answer.statusCode, body };
}

for (const kind of ['h2c', 'https'] as const) {
  test(`a WebSocket reaches an app that speaks HTTP/2 only over ${kind}, by extended CONNECT, and ends with its connection`, async (t) => {
    const seen: IncomingHttpHeaders[] = [];
    const { gateway, openSessions } = await before(
      t,
      (stream, headers) => {
        seen.push(headers);
        echo(stream, headers);
      },
      kind,
    );
    const socket = open(gateway);
    const [[upgrade]] = await Promise.all([once(socket, 'upgrade'), once(socket, 'open')]);
    assert.equal(socket.protocol, 'chat');
    assert.equal(upgrade.headers['set-cookie'], undefined);
    for (const word of ['one', 'two']) {
      const answer = once(socket, 'message');
      socket.send(word);
      assert.equal(String((await answer)[0]), word);
    }
    const { ':method': method, ':protocol': protocol, ':path': path, ':scheme': scheme, cookie } = seen[0] ?? {};
    assert.deepEqual(
      [method, protocol, path, scheme, cookie],
      ['CONNECT', 'websocket', '/live?room=1', kind === 'h2c' ? 'http' : 'https', 'a=1'],
    );
    assert.equal(seen[0]?.['sec-websocket-key'], undefined);
    assert.equal(gateway.requests[0]?.action, 'connect');
    socket.close(4000, 'done');
    assert.equal((await once(socket, 'close'))[0], 4000);
    await until(() => openSessions() === 0 && gateway.outcomes.length === 1);
    assert.equal(gateway.outcomes[0]?.ended, 'complete');
  });
}

test('a WebSocket over HTTP/2 is cut like any other: the client hears why, the app loses its connection', async (t) => {
  const { gateway, closed, openSessions } = await before(t, echo);
  const socket = open(gateway);
  await once(socket, 'open');
  const ended = once(socket, 'close');
  gateway.handles[0]?.cut('revoked');
  const [closeCode, reason] = await ended;
  assert.deepEqual([closeCode, String(reason)], [1008, 'revoked']);
  await until(() => closed.length === 1 && openSessions() === 0);
  assert.equal(gateway.outcomes[0]?.ended, 'cut');
});

test('a client that goes away takes its stream to the app along', async (t) => {
  const { gateway, closed, openSessions } = await before(t, echo);
  const socket = open(gateway);
  await once(socket, 'open');
  socket.terminate();
  await until(() => closed.length === 1 && openSessions() === 0);
});

test('an app that does not take WebSockets over HTTP/2 is asked nothing, and the client hears 501', async (t) => {
  let asked = 0;
  const { gateway, openSessions } = await before(t, () => asked++, 'h2c without');
  assert.equal((await declined(gateway)).status, 501);
  assert.equal(asked, 0);
  await until(() => openSessions() === 0);
});

test('an answer that is no yes goes to the client as it is, and what chooses what nobody offered opens nothing', async (t) => {
  let answer: OnSocket = () => {};
  const { gateway, openSessions } = await before(t, (stream, headers) => answer(stream, headers));
  answer = (stream) => {
    stream.respond({ ':status': 403 });
    stream.end('not you');
  };
  assert.deepEqual(await declined(gateway), { status: 403, body: 'not you' });
  answer = (stream) => {
    stream.respond({ ':status': 200, 'sec-websocket-protocol': 'admin' });
    stream.write('\x81\x02hi');
  };
  assert.equal((await declined(gateway)).status, 502);
  answer = (stream) => {
    stream.respond({ ':status': 200, 'sec-websocket-extensions': 'permessage-deflate' });
  };
  assert.equal((await declined(gateway)).status, 502);
  answer = (stream) => stream.close(2);
  assert.equal((await declined(gateway)).status, 502);
  await until(() => openSessions() === 0 && gateway.outcomes.length === 4);
  assert.deepEqual(
    gateway.outcomes.map(({ ended }) => ended),
    ['complete', 'upstream-failed', 'upstream-failed', 'upstream-failed'],
  );
});

for (const resetCode of [0, 8]) {
  test(`half an answer that is no yes, reset with ${resetCode}, does not pass as whole`, async (t) => {
    const half = (stream: number) =>
      Buffer.concat([
        frame(headersFrame, { flags: endHeaders, stream, payload: status404 }),
        frame(dataFrame, { stream, payload: Buffer.from('half') }),
        frame(resetFrame, { stream, payload: code(resetCode) }),
      ]);
    const gateway = await startGateway(t, { upstreamUrl: await rawHttp2App(t, half, { settings: takesConnect }) });
    await assert.rejects(declined(gateway));
    assert.equal(gateway.outcomes[0]?.ended, 'upstream-failed');
  });
}

for (const [what, answer] of [
  ['declined', { flags: endHeaders | endStream, payload: status404 }],
  ['accepted', { flags: endHeaders, payload: Buffer.concat([status200, field('sec-websocket-protocol', 'chat')]) }],
] as const)
  test(`a connection whose WebSocket was ${what} is closed by us, though the app keeps its side of it open`, async (t) => {
    let isClosed = false;
    const keep = (stream: number, socket: Socket) => {
      socket.allowHalfOpen = true;
      const ping = frame(pingFrame, { payload: Buffer.alloc(8) });
      // What goes to a connection that nobody has any more comes back as a reset.
      socket.on('end', () => {
        const writing = setInterval(() => socket.write(ping), 50);
        socket.on('close', () => {
          clearInterval(writing);
          isClosed = true;
        });
      });
      return frame(headersFrame, { ...answer, stream });
    };
    const gateway = await startGateway(t, { upstreamUrl: await rawHttp2App(t, keep, { settings: takesConnect }) });
    const socket = open(gateway);
    socket.on('error', () => {});
    if (what === 'accepted') {
      await once(socket, 'open');
      socket.terminate();
    }
    await until(() => isClosed);
  });

test('an app that closes before it speaks HTTP/2 ends in a 502', async (t) => {
  const server = createNetServer((socket) => socket.destroy());
  const gateway = await startGateway(t, { upstreamUrl: `h2c://127.0.0.1:${await listen(t, server)}` });
  assert.equal((await declined(gateway)).status, 502);
});
