// Towards apps that speak HTTP/2: what they do wrong, written frame by frame, because no library does it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { createSecureServer, createServer, type Http2Server, type ServerHttp2Session } from 'node:http2';
import { type AddressInfo, createServer as createNetServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { makeCertificate } from '../../../tests/test-certificate.ts';
import { answerFieldCountMax, http2ConcurrentStreamsMax, interimAnswersMax } from './limits.ts';
import { listen, startGateway, until } from './test-gateway.ts';
import {
  code,
  dataFrame,
  endHeaders,
  endStream,
  field,
  frame,
  goAwayFrame,
  headersFrame,
  onFrames,
  preface,
  rawHttp2App,
  resetFrame,
  status200,
} from './test-http2-wire.ts';

async function http2App(t: TestContext, app: Http2Server): Promise<string> {
  const sessions = new Set<ServerHttp2Session>();
  app.on('session', (session) => sessions.add(session));
  app.listen(0, '127.0.0.1');
  await once(app, 'listening');
  t.after(() => {
    for (const session of sessions) session.destroy();
    app.close();
  });
  return `h2c://127.0.0.1:${(app.address() as AddressInfo).port}`;
}

const half = (stream: number) => [
  frame(headersFrame, { flags: endHeaders, stream, payload: status200 }),
  frame(dataFrame, { stream, payload: Buffer.from('half') }),
];

for (const [name, resetCode] of [
  ['NO_ERROR', 0],
  ['INTERNAL_ERROR', 2],
  ['REFUSED_STREAM', 7],
  ['CANCEL', 8],
] as const) {
  test(`an answer that the app resets in the middle with ${name} does not pass as whole`, async (t) => {
    const upstreamUrl = await rawHttp2App(t, (stream) =>
      Buffer.concat([...half(stream), frame(resetFrame, { stream, payload: code(resetCode) })]),
    );
    const gateway = await startGateway(t, { upstreamUrl });
    await assert.rejects(gateway.ask({}));
    assert.equal(gateway.outcomes[0]?.ended, 'upstream-failed');
  });
}

test('an answer that ends with its connection does not pass as whole', async (t) => {
  const upstreamUrl = await rawHttp2App(t, (stream, socket) => {
    setTimeout(() => socket.destroy(), 20);
    return Buffer.concat(half(stream));
  });
  const gateway = await startGateway(t, { upstreamUrl });
  await assert.rejects(gateway.ask({}));
  assert.equal(gateway.outcomes[0]?.ended, 'upstream-failed');
});

test('an answer that ends, and whose stream is then reset, is whole', async (t) => {
  const upstreamUrl = await rawHttp2App(t, (stream) =>
    Buffer.concat([
      ...half(stream),
      frame(dataFrame, { flags: endStream, stream, payload: Buffer.from(' and half') }),
      frame(resetFrame, { stream, payload: code(0) }),
    ]),
  );
  const gateway = await startGateway(t, { upstreamUrl });
  assert.equal((await gateway.ask({})).body, 'half and half');
  assert.equal(gateway.outcomes[0]?.ended, 'complete');
});

test('what the app refused unseen is sent again, once', async (t) => {
  let seen = 0;
  const upstreamUrl = await rawHttp2App(t, (stream) => {
    seen++;
    return seen === 2
      ? frame(goAwayFrame, { payload: Buffer.concat([code(1), code(0)]) })
      : Buffer.concat([
          frame(headersFrame, { flags: endHeaders, stream, payload: status200 }),
          frame(dataFrame, { flags: endStream, stream, payload: Buffer.from(`${seen}`) }),
        ]);
  });
  const gateway = await startGateway(t, { upstreamUrl });
  assert.equal((await gateway.ask({})).body, '1');
  assert.equal((await gateway.ask({})).body, '3');
  const post = await gateway.ask({ method: 'POST', body: 'x' });
  assert.equal(post.body, '4');
});

test('a request with a body that the app never answered is not sent twice', async (t) => {
  let seen = 0;
  const upstreamUrl = await rawHttp2App(t, (_stream, socket) => {
    seen++;
    setTimeout(() => socket.destroy(), 20);
    return Buffer.alloc(0);
  });
  const gateway = await startGateway(t, { upstreamUrl });
  assert.equal((await gateway.ask({ method: 'POST', body: 'x' })).status, 502);
  assert.equal(seen, 1);
});

test('a status that is none ends in a 502, and the gateway goes on', async (t) => {
  // `:status: 999` as a literal, name from the static table (RFC 7541 6.2.2).
  const odd = Buffer.from([0x08, 3, 0x39, 0x39, 0x39]);
  const upstreamUrl = await rawHttp2App(t, (stream) =>
    frame(headersFrame, { flags: endHeaders | endStream, stream, payload: odd }),
  );
  const gateway = await startGateway(t, { upstreamUrl });
  assert.equal((await gateway.ask({})).status, 502);
  assert.equal((await gateway.ask({})).status, 502);
});

/** `:status` 103, the name by HPACK's static table. */
const earlyHints = Buffer.concat([Buffer.from([8, 3]), Buffer.from('103')]);
const floods = {
  'interim answers': (stream: number) => {
    const hints = frame(headersFrame, { flags: endHeaders, stream, payload: earlyHints });
    return Array<Buffer>(interimAnswersMax + 1).fill(hints);
  },
  fields: (stream: number) => {
    const fields = Array<Buffer>(answerFieldCountMax + 1).fill(field('x', ''));
    return [frame(headersFrame, { flags: endHeaders, stream, payload: Buffer.concat([status200, ...fields]) })];
  },
};
for (const [what, flood] of Object.entries(floods)) {
  test(`an app that sends more ${what} than are taken becomes a 502, and the next request is served`, async (t) => {
    let seen = 0;
    const upstreamUrl = await rawHttp2App(t, (stream) => {
      seen++;
      const answer = frame(headersFrame, { flags: endHeaders | endStream, stream, payload: status200 });
      return Buffer.concat(seen === 1 ? [...flood(stream), answer] : [answer]);
    });
    const gateway = await startGateway(t, { upstreamUrl });
    assert.equal((await gateway.ask({ method: 'POST', body: 'x' })).status, 502);
    assert.equal((await gateway.ask({})).status, 200);
  });
}

for (const kind of ['h2c', 'https'] as const) {
  test(`requests share a connection over ${kind} up to what the app takes, and then another is opened`, async (t) => {
    const certificate = await makeCertificate(['localhost']);
    const settings = { maxConcurrentStreams: 2 };
    const app =
      kind === 'h2c'
        ? createServer({ settings })
        : (createSecureServer({ ...certificate, settings }) as unknown as Http2Server);
    const used = new Set<unknown>();
    const all = Promise.withResolvers<void>();
    let open = 0;
    app.on('stream', (stream) => {
      stream.on('error', () => undefined);
      used.add(stream.session);
      open++;
      if (open === 6) all.resolve();
      void all.promise.then(() => {
        stream.respond({ ':status': 200 });
        stream.end('fine');
      });
    });
    const upstreamUrl = `${kind}://localhost:${await listen(t, app)}`;
    const gateway = await startGateway(t, { upstreamUrl, upstreamCa: certificate.cert });
    const answers = await Promise.all(Array.from({ length: 6 }, () => gateway.ask({})));
    assert.deepEqual(new Set(answers.map(({ body }) => body)), new Set(['fine']));
    assert.equal(used.size, 3);
  });
}

test('more requests at once than one connection carries all get through', async (t) => {
  const app = createServer();
  app.on('stream', (stream) => {
    stream.respond({ ':status': 200 });
    setTimeout(() => stream.end('fine'), 20);
  });
  const gateway = await startGateway(t, { upstreamUrl: await http2App(t, app) });
  const answers = await Promise.all(Array.from({ length: 2 * http2ConcurrentStreamsMax }, () => gateway.ask({})));
  assert.equal(answers.filter(({ body }) => body === 'fine').length, 2 * http2ConcurrentStreamsMax);
});

test('a large answer and a large body arrive byte for byte', async (t) => {
  const app = createServer();
  app.on('stream', (stream) => {
    stream.respond({ ':status': 200 });
    stream.pipe(stream);
  });
  const gateway = await startGateway(t, { upstreamUrl: await http2App(t, app) });
  const body = Buffer.from(Array.from({ length: 3_000_000 }, (_, at) => 97 + (at % 26)));
  const answer = await gateway.ask({ method: 'POST', body });
  assert.equal(answer.body, body.toString());
  assert.deepEqual([gateway.outcomes[0]?.bytesUp, gateway.outcomes[0]?.bytesDown], [3_000_000, 3_000_000]);
});

/** An app that takes a connection and does not say its settings; `seen` are the streams it saw opened. */
async function silentApp(t: TestContext) {
  const seen: number[] = [];
  const server = createNetServer((socket) => {
    socket.on('error', () => undefined);
    const take = ({ type, stream }: { type: number; stream: number }) =>
      void (type === headersFrame && seen.push(stream));
    onFrames(socket, { prefaceBytes: preface.length, take });
  });
  return { upstreamUrl: `h2c://127.0.0.1:${await listen(t, server)}`, seen };
}

/** Asks, and tells how to go away before the answer. */
function askInVain(port: number) {
  const asked = httpRequest({ port, host: '127.0.0.1', headers: { host: 'app.localhost' }, agent: false });
  asked.on('error', () => undefined).end();
  return () => asked.destroy();
}

test('while an app has not said its settings, the next request goes out when the one before it has gone', async (t) => {
  const { upstreamUrl, seen } = await silentApp(t);
  const gateway = await startGateway(t, { upstreamUrl });
  const leaveFirst = askInVain(gateway.port);
  await until(() => seen.length === 1);
  const leaveSecond = askInVain(gateway.port);
  await until(() => gateway.requests.length === 2);
  leaveFirst();
  await until(() => seen.length === 2);
  leaveSecond();
});

test('a request that goes away while an app that hangs has others waiting leaves nothing behind', async (t) => {
  const { upstreamUrl, seen } = await silentApp(t);
  const gateway = await startGateway(t, { upstreamUrl });
  const leaveFirst = askInVain(gateway.port);
  await until(() => seen.length === 1);
  const leave = Array.from({ length: 50 }, () => askInVain(gateway.port));
  await until(() => gateway.handles.length === 51);
  const kept = gateway.handles.splice(1).map((handle) => new WeakRef(handle));
  for (const each of leave) each();
  await until(() => gateway.outcomes.length === 50);
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  // The last ones may be on the stack, or in what was looked at last.
  await until(() => {
    collect();
    return kept.filter((each) => each.deref() !== undefined).length < 10;
  });
  leaveFirst();
});
