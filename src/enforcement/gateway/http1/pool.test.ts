// The HTTP/1.1 client against apps that break the rules, or another client's answer: no byte of an answer reaches a request it was not for.
import assert from 'node:assert/strict';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type OnReadOpts, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import type { BodySink, ClientBody } from '../client-body.ts';
import { type DialOptions, dialler } from '../dial.ts';
import { parseUpstream } from '../parse-upstream.ts';
import { listen, until } from '../test-gateway.ts';
import type { UpstreamAnswer, UpstreamHandler, UpstreamRequest } from '../upstream-request.ts';
import { MessageError } from './message-error.ts';
import { Http1Pool } from './pool.ts';
import { requestText } from './request-text.ts';

interface App {
  readonly pool: Http1Pool;
  /** Connections made so far. */
  readonly connections: Socket[];
}

/** A pool to a TCP server that answers as it likes. */
async function start(
  t: TestContext,
  onRequest: (socket: Socket, request: string) => void,
  onDial: (options: DialOptions) => void = () => {},
): Promise<App> {
  const connections: Socket[] = [];
  const server = createServer((socket) => {
    connections.push(socket);
    socket.on('error', () => {});
    socket.on('data', (data) => onRequest(socket, data.toString('latin1')));
  });
  const port = await listen(t, server);
  return { pool: poolTo(t, port, onDial), connections };
}

function poolTo(t: TestContext, port: number, onDial: (options: DialOptions) => void = () => {}): Http1Pool {
  const target = parseUpstream(`http://127.0.0.1:${port}`);
  assert.ok(target !== undefined);
  const guard = { lookup: () => assert.fail('an address is not looked up'), isOwn: () => false };
  const dial = dialler(target, { guard, allowPrivate: true, ca: undefined });
  const pool = new Http1Pool((options, done) => {
    onDial(options);
    return dial(options, done);
  });
  t.after(() => pool.close());
  return pool;
}

interface Answer {
  readonly status: number;
  readonly body: string;
  /** How it ended: `ok`, or what was told. */
  readonly end: 'ok' | 'stale' | 'broken' | 'body-broken';
}

const request = (target: string, options: Partial<UpstreamRequest> = {}): UpstreamRequest => ({
  method: 'GET',
  target,
  headers: ['host', 'app'],
  kept: [],
  body: null,
  contentLength: null,
  takesTrailers: false,
  cleaning: { strictTransportSecurity: null, ownService: false },
  onNewConnection: false,
  ...options,
});

/** Sends a request; `onEvent` sees the exchange as it goes on. */
function ask(pool: Http1Pool, sent: UpstreamRequest): Promise<Answer> {
  return new Promise((resolve) => {
    let status = 0;
    let body = '';
    const handler: UpstreamHandler = {
      onEarlyHints: () => {},
      onHead: (answer: UpstreamAnswer) => {
        status = answer.status;
      },
      onData: (chunk) => {
        body += chunk.toString('latin1');
      },
      onBodySent: () => {},
      onBodyBroken: () => resolve({ status, body, end: 'body-broken' }),
      onAnswerEnd: () => resolve({ status, body, end: 'ok' }),
      onUpstreamError: (_error, isStale) => resolve({ status, body, end: isStale ? 'stale' : 'broken' }),
    };
    pool.send(sent, handler);
  });
}

const quiet: UpstreamHandler = {
  onEarlyHints: () => {},
  onHead: () => {},
  onData: () => {},
  onBodySent: () => {},
  onBodyBroken: () => {},
  onAnswerEnd: () => {},
  onUpstreamError: () => {},
};

const targetOf = (head: string) => head.split(' ')[1] ?? '';
const answerTo = (head: string) => {
  const body = targetOf(head);
  return `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
};

test('Http1Pool sends one request after another over one connection', async (t) => {
  const { pool, connections } = await start(t, (socket, head) => socket.write(answerTo(head)));
  for (const target of ['/1', '/2', '/3']) assert.equal((await ask(pool, request(target))).body, target);
  assert.equal(connections.length, 1);
  await Promise.all(['/4', '/5'].map((target) => ask(pool, request(target))));
  assert.equal(connections.length, 2);
});

const unkept: Record<string, string> = {
  'that says it closes': 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok',
  'that says so among others': 'HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 2\r\n\r\nok',
  'of HTTP/1.0': 'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok',
  'whose connection lives a second': 'HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nok',
  'with a byte behind it': 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok\n',
  'with another answer behind it':
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil',
  'in chunks with another answer behind it':
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil',
};
for (const [name, bytes] of Object.entries(unkept)) {
  test(`Http1Pool does not use a connection again after an answer ${name}`, async (t) => {
    const { pool, connections } = await start(t, (socket) => socket.write(bytes));
    for (let count = 0; count < 3; count++) {
      assert.deepEqual(await ask(pool, request('/')), { status: 200, body: 'ok', end: 'ok' });
    }
    assert.equal(connections.length, 3);
  });
}

test('Http1Pool closes a connection that speaks without being asked, and gives what it said to nobody', async (t) => {
  const { pool, connections } = await start(t, (socket, head) => socket.write(answerTo(head)));
  assert.equal((await ask(pool, request('/first'))).body, '/first');
  const [first] = connections;
  assert.ok(first !== undefined);
  first.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil');
  // What comes later over other connections has come: so has this, long before idle connections are closed anyway.
  const other = await start(t, (socket, head) => socket.write(answerTo(head)));
  for (const target of ['/a', '/b']) await ask(other.pool, request(target));
  assert.deepEqual(await ask(pool, request('/second')), { status: 200, body: '/second', end: 'ok' });
  assert.equal(connections.length, 2);
});

test('Http1Pool takes nothing for an answer that came before the request had gone out', async (t) => {
  const asked: string[] = [];
  const reads: (OnReadOpts | undefined)[] = [];
  const { pool } = await start(
    t,
    (socket, head) => {
      asked.push(targetOf(head));
      socket.write(answerTo(head));
    },
    (options) => reads.push(options.onread),
  );
  await ask(pool, request('/first'));
  const second = ask(pool, request('/second'));
  // As Node does when the app has said something meanwhile: requests of one turn are written when it ends.
  const buffer = reads[0]?.buffer;
  assert.ok(buffer instanceof Uint8Array);
  const length = Buffer.from(buffer.buffer).write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil');
  reads[0]?.callback(length, buffer);
  assert.deepEqual(await second, { status: 0, body: '', end: 'stale' });
  assert.equal((await ask(pool, request('/third'))).body, '/third');
  assert.deepEqual(asked, ['/first', '/third']);
});

test('Http1Pool gives the late answer to an aborted request to nobody', async (t) => {
  const waiting: (() => void)[] = [];
  const { pool, connections } = await start(t, (socket, head) => {
    if (targetOf(head) === '/slow') waiting.push(() => socket.write(answerTo(head)));
    else socket.write(answerTo(head));
  });
  const exchange = pool.send(request('/slow'), { ...quiet, onHead: () => assert.fail('it was aborted') });
  await until(() => waiting.length === 1);
  exchange.abort();
  const next = ask(pool, request('/next'));
  waiting[0]?.();
  assert.equal((await next).body, '/next');
  assert.equal(connections.length, 2);
});

test('Http1Pool does not use a connection again whose answer was aborted in the middle', async (t) => {
  const { pool, connections } = await start(t, (socket, head) =>
    socket.write(targetOf(head) === '/long' ? 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf' : answerTo(head)),
  );
  await new Promise<void>((resolve) => {
    const exchange = pool.send(request('/long'), {
      ...quiet,
      onData: () => {
        exchange.abort();
        resolve();
      },
      onAnswerEnd: () => assert.fail('it was aborted'),
    });
  });
  assert.equal((await ask(pool, request('/next'))).body, '/next');
  assert.equal(connections.length, 2);
});

test('Http1Pool tells a connection that died unseen from an app that broke off', async (t) => {
  let answers = 0;
  const { pool, connections } = await start(t, (socket, head) => {
    if (answers++ === 0) socket.write(answerTo(head));
    else if (targetOf(head) === '/half') socket.end('HTTP/1.1 200 OK\r\nContent-Le');
    else socket.destroy();
  });
  assert.equal((await ask(pool, request('/'))).end, 'ok');
  assert.equal((await ask(pool, request('/'))).end, 'stale');
  assert.equal((await ask(pool, request('/'))).end, 'broken', 'a new connection is not stale');
  answers = 0;
  assert.equal((await ask(pool, request('/'))).end, 'ok');
  assert.equal((await ask(pool, request('/half'))).end, 'broken', 'an answer had begun');
  assert.equal(connections.length, 3);
});

test('Http1Pool opens a new connection for another try, however many old ones there are', async (t) => {
  const { pool, connections } = await start(t, (socket, head) => socket.write(answerTo(head)));
  await Promise.all(['/1', '/2', '/3'].map((target) => ask(pool, request(target))));
  assert.equal(connections.length, 3);
  assert.equal((await ask(pool, request('/4', { onNewConnection: true }))).body, '/4');
  assert.equal(connections.length, 4);
});

/** A body from a client that sends these pieces and then ends, or breaks off. */
function bodyOf(pieces: readonly string[], end: 'end' | 'error' = 'end'): ClientBody {
  return {
    start: (sink: BodySink) => {
      for (const piece of pieces) sink.onBodyData(Buffer.from(piece));
      if (end === 'end') sink.onBodyEnd();
      else sink.onBodyError();
    },
    pause: () => {},
    resume: () => {},
  };
}

test('Http1Pool writes bodies of declared and of unknown length so that a server reads the same', async (t) => {
  const server = createHttpServer((incoming, response) => {
    let body = '';
    incoming.on('data', (chunk) => {
      body += chunk;
    });
    incoming.on('end', () => response.end(JSON.stringify([body, incoming.headers['transfer-encoding'] ?? null])));
  });
  const pool = poolTo(t, await listen(t, server));
  const body = () => bodyOf(['one ', '', 'two']);
  const declared = { method: 'POST', body: body(), headers: ['host', 'a', 'content-length', '7'], contentLength: 7 };
  assert.deepEqual(JSON.parse((await ask(pool, request('/', declared))).body), ['one two', null]);
  assert.deepEqual(JSON.parse((await ask(pool, request('/', { method: 'POST', body: body() }))).body), [
    'one two',
    'chunked',
  ]);
  assert.deepEqual(JSON.parse((await ask(pool, request('/', { method: 'POST' }))).body), ['', null]);
});

test('Http1Pool lets no body that is shorter or longer than declared, or broken off, be taken for a whole one', async (t) => {
  const seen: string[] = [];
  const { pool, connections } = await start(t, (_socket, bytes) => void seen.push(bytes));
  const headers = ['host', 'a', 'content-length', '5'];
  for (const body of [bodyOf(['abc']), bodyOf(['abc', 'GET /smuggled HTTP/1.1\r\n']), bodyOf(['ab'], 'error')]) {
    const answer = await ask(pool, request('/', { method: 'POST', headers, body, contentLength: 5 }));
    assert.equal(answer.end, 'body-broken');
  }
  const chunked = await ask(pool, request('/', { method: 'POST', body: bodyOf(['abc'], 'error') }));
  assert.equal(chunked.end, 'body-broken');
  await until(() => connections.length === 4 && connections.every((socket) => socket.destroyed));
  assert.doesNotMatch(seen.join(''), /smuggled|\r\n0\r\n/);
});

test('Http1Pool uses no connection again on which an answer came before the request was whole', async (t) => {
  const { pool, connections } = await start(t, (socket) => socket.write(answerTo('GET /early')));
  const never: ClientBody = { start: (sink) => sink.onBodyData(Buffer.from('x')), pause: () => {}, resume: () => {} };
  const headers = ['host', 'a', 'content-length', '5'];
  const early = await ask(pool, request('/', { method: 'POST', headers, body: never, contentLength: 5 }));
  assert.deepEqual(early, { status: 200, body: '/early', end: 'ok' });
  assert.equal((await ask(pool, request('/'))).end, 'ok');
  assert.equal(connections.length, 2);
});

test('Http1Pool uses no connection again on which a body went that the app may have left unread', async (t) => {
  // Answers at once what it read, takes the body for another request, and answers that one while it still works on the next.
  const { pool, connections } = await start(t, (socket, text) => {
    const delays: Record<string, number> = { '/mine': 0, '/yours': 100 };
    setTimeout(() => socket.write(answerTo(text)), delays[targetOf(text)] ?? 0);
    if (text.includes('/smuggled')) setTimeout(() => socket.write(answerTo('GET /smuggled HTTP/1.1')), 50);
  });
  const smuggled = 'GET /smuggled HTTP/1.1\r\nhost: app\r\n\r\n';
  const headers = ['host', 'app', 'content-length', `${smuggled.length}`];
  for (const method of ['GET', 'DELETE', 'OPTIONS']) {
    const sent = { method, headers, body: bodyOf([smuggled]), contentLength: smuggled.length };
    assert.equal((await ask(pool, request('/mine', sent))).body, '/mine');
    const before = connections.length;
    assert.equal((await ask(pool, request('/yours'))).body, '/yours');
    assert.equal(connections.length, before + 1, method);
    await pool.close();
  }
});

test('requestText() writes nothing that a server could read as another header or request', () => {
  const wrong: Partial<UpstreamRequest>[] = [
    { target: '/ HTTP/1.1\r\nX: y' },
    { target: '/a b' },
    { target: '' },
    { method: 'GET /' },
    { method: '' },
    { headers: ['host', 'a\r\nX: y'] },
    { headers: ['host', 'a\n'] },
    { headers: ['host', 'a\r'] },
    { headers: ['host', 'a\0'] },
    { headers: ['host', '\u010d\u010a'] },
    { headers: ['x\r\ny', 'a'] },
    { headers: ['x:', 'a'] },
    { headers: ['', 'a'] },
    { headers: ['transfer-encoding', 'chunked'] },
    { headers: ['content-length', '5'] },
    { contentLength: 5 },
    { headers: ['content-length', '5'], contentLength: 5 },
    { headers: ['content-length', '1'], contentLength: 0 },
    { headers: ['content-length', '0', 'content-length', '0'], contentLength: 0 },
  ];
  for (const options of wrong) {
    assert.throws(() => requestText(request('/', options), 'none'), MessageError, JSON.stringify(options));
  }
  assert.equal(
    requestText(request('/a?b', { headers: ['host', 'a', 'x', 'caf\xe9'] }), 'none'),
    'GET /a?b HTTP/1.1\r\nhost: a\r\nx: caf\xe9\r\n\r\n',
  );
  assert.match(requestText(request('/', { method: 'PUT' }), 'none'), /\r\ncontent-length: 0\r\n\r\n$/);
});

test('answers cut and delayed at random, with other bytes behind them, never reach another request', async (t) => {
  // Each target says what the app shall do; the body of a right answer is the target itself.
  const { pool } = await start(t, (socket, head) => {
    const target = targetOf(head);
    const [, kind = '', at = '0'] = target.split('-');
    const evil = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil';
    const bytes =
      kind === 'chunked'
        ? `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${target.length.toString(16)}\r\n${target}\r\n0\r\n\r\n`
        : answerTo(head);
    const whole = kind === 'extra' ? `${bytes}${evil}` : bytes;
    const cut = kind === 'extra' ? 0 : Math.min(Number(at), bytes.length);
    if (kind === 'die') {
      socket.write(bytes.slice(0, Math.min(Number(at), bytes.length - 1)));
      setImmediate(() => socket.destroy());
      return;
    }
    if (cut > 0) socket.write(whole.slice(0, cut));
    setImmediate(() => socket.write(whole.slice(cut)));
  });
  const kind = fc.constantFrom('whole', 'chunked', 'extra', 'die');
  const step = fc.record({ kind, cut: fc.nat(80), abort: fc.boolean() });
  let number = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
      await Promise.all(
        steps.map(async ({ kind: what, cut, abort }, index) => {
          const target = `/${number++}-${what}-${cut}`;
          if (abort) {
            const exchange = pool.send(request(target), quiet);
            setTimeout(() => exchange.abort(), index % 3);
            return;
          }
          const answer = await ask(pool, request(target));
          if (answer.end === 'ok') assert.equal(answer.body, target);
          else assert.ok(target.startsWith(answer.body));
          assert.ok(answer.end === 'ok' || what === 'die', `${what} ended ${answer.end}`);
        }),
      );
    }),
    { numRuns: 150 },
  );
});
