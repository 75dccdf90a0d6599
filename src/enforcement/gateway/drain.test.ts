import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { request as httpsRequest, Agent as TlsAgent } from 'node:https';
import { type TestContext, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { startGateway, type TestGateway, until } from './test-gateway.ts';
import {
  ack,
  code,
  endHeaders,
  endStream,
  type Frame,
  field,
  frame,
  goAwayFrame,
  headersFrame,
  onFrames,
  pingFrame,
  preface,
  settingsFrame,
} from './test-http2-wire.ts';

const host = 'app.test';
/** So long that a test which waits for it fails. */
const noGraceMs = 600_000;

/** A gateway before an app that answers when told. */
async function slowGateway(t: TestContext, isSilent = () => false) {
  const waiting: ServerResponse[] = [];
  const gateway = await startGateway(t, {
    tls: [host],
    upstream: (_request, response) => {
      if (!isSilent()) response.writeHead(200).write('half ');
      waiting.push(response);
    },
  });
  return { gateway, waiting };
}

const tlsTo = ({ tlsPort: port, ca }: TestGateway) =>
  connectTls({ host: '127.0.0.1', port, ca, servername: host, ALPNProtocols: ['h2'] });

async function openSession(t: TestContext, gateway: TestGateway) {
  const session = connectHttp2(`https://${host}`, { createConnection: () => tlsTo(gateway) });
  t.after(() => session.destroy());
  await once(session, 'remoteSettings');
  return session;
}

test('an HTTP/2 client hears GOAWAY when the gateway closes, its running answer comes whole, and then the connection ends', async (t) => {
  const { gateway, waiting } = await slowGateway(t);
  const [session, idle] = [await openSession(t, gateway), await openSession(t, gateway)];
  const stream = session.request({ ':authority': host, ':path': '/' }).setEncoding('utf8');
  let body = '';
  stream.on('data', (text: string) => {
    body += text;
  });
  await until(() => body !== '');
  const [announced, idleEnded] = [once(session, 'goaway'), once(idle, 'close')];
  const closed = gateway.close(noGraceMs);
  assert.deepEqual((await announced).slice(0, 2), [0, stream.id]);
  await idleEnded;
  assert.equal(session.closed, true);
  waiting[0]?.end('and half');
  await once(stream, 'close');
  assert.deepEqual([body, stream.rstCode], ['half and half', 0]);
  await closed;
  assert.equal(gateway.outcomes[0]?.ended, 'complete');
});

test('a stream that does not end in the time it is given is cut', async (t) => {
  const { gateway } = await slowGateway(t);
  const session = await openSession(t, gateway);
  session.on('error', () => {});
  const stream = session.request({ ':authority': host, ':path': '/' });
  stream.on('error', () => {});
  await once(stream, 'data');
  await gateway.close(20);
  if (!stream.closed) await once(stream, 'close');
  assert.equal(stream.readableEnded && stream.rstCode === 0, false);
  await until(() => gateway.outcomes.length > 0);
  assert.equal(gateway.outcomes[0]?.ended, 'client-gone');
});

test('GOAWAY names the last stream that is served: what a client sent behind it never reaches the app, and may be sent again', async (t) => {
  const { gateway, waiting } = await slowGateway(t);
  const socket = tlsTo(gateway);
  t.after(() => socket.destroy());
  await once(socket, 'secureConnect');
  const frames: Frame[] = [];
  onFrames(socket, { prefaceBytes: 0, take: (taken) => frames.push(taken) });
  const ofType = (type: number) => frames.filter((taken) => taken.type === type);
  const ask = (stream: number) => {
    const fields = [
      [':method', 'GET'],
      [':scheme', 'https'],
      [':authority', host],
      [':path', `/${stream}`],
    ].map(([name = '', value = '']) => field(name, value));
    socket.write(frame(headersFrame, { flags: endHeaders | endStream, stream, payload: Buffer.concat(fields) }));
  };
  socket.write(Buffer.concat([preface, frame(settingsFrame, {}), frame(settingsFrame, { flags: ack })]));
  ask(1);
  await until(() => waiting.length === 1);
  const closed = gateway.close(noGraceMs);
  await until(() => ofType(goAwayFrame).length > 0);
  assert.deepEqual(ofType(goAwayFrame)[0]?.payload.subarray(0, 8), Buffer.concat([code(1), code(0)]));
  ask(3);
  // Its acknowledgement shows that what came before the ping was read.
  socket.write(frame(pingFrame, { payload: Buffer.alloc(8) }));
  await until(() => ofType(pingFrame).length > 0);
  for (const response of waiting) response.end('and half');
  await closed;
  assert.deepEqual(new Set(frames.map(({ stream }) => stream)), new Set([0, 1]));
  assert.deepEqual(
    gateway.outcomes.map(({ ended }) => ended),
    ['complete'],
  );
});

for (const isTls of [false, true]) {
  test(`an HTTP/1.1 client ${isTls ? 'over TLS ' : ''}is told \`Connection: close\` when the gateway closes, and idle connections end`, async (t) => {
    let isSilent = false;
    const { gateway, waiting } = await slowGateway(t, () => isSilent);
    const agent = isTls ? new TlsAgent({ keepAlive: true }) : new Agent({ keepAlive: true });
    t.after(() => agent.destroy());
    const ask = (path: string) => {
      const { tlsPort, port, ca } = gateway;
      const common = { host: '127.0.0.1', path, agent, headers: { host } };
      const request = isTls
        ? httpsRequest({ ...common, port: tlsPort, servername: host, ca })
        : httpRequest({ ...common, port });
      request.on('error', () => {});
      request.end();
      return once(request, 'response').then(async ([response]: IncomingMessage[]) => {
        let body = '';
        for await (const chunk of response ?? []) body += chunk;
        return { body, connection: response?.headers.connection };
      });
    };
    const answerTo = (path: string) => waiting.find(({ req }) => req.url === path) ?? assert.fail(path);
    const first = ask('/first');
    await until(() => waiting.length === 1);
    answerTo('/first').end();
    assert.notEqual((await first).connection, 'close');
    // One is under way and its head has gone out; of the other the app has not answered a byte; a third connection is idle.
    const idle = ask('/idle');
    const running = ask('/running');
    // Which of two connections the app hears first is not for us to say.
    await until(() => waiting.length === 3);
    answerTo('/idle').end();
    await idle;
    isSilent = true;
    const silent = ask('/silent');
    await until(() => waiting.length === 4);
    const third = ask('/third');
    await until(() => waiting.length === 5);
    answerTo('/third').end();
    await third;
    const closed = gateway.close(noGraceMs);
    answerTo('/running').end('and half');
    answerTo('/silent').end('late');
    assert.deepEqual([(await running).body, await silent], ['half and half', { body: 'late', connection: 'close' }]);
    await closed;
  });
}
