// Request smuggling: what a raw client sends, against what a real app behind the gateway received.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { headerBytesMax } from './limits.ts';
import { startGateway } from './test-gateway.ts';

interface Received {
  readonly line: string;
  readonly body: string;
}

/** A gateway before an app that notes every request it believes it got. */
async function start(t: TestContext) {
  const received: Received[] = [];
  const gateway = await startGateway(t, {
    upstream: (request, response) => {
      let body = '';
      request.on('data', (chunk) => {
        body += chunk;
      });
      request.on('error', () => {});
      request.on('end', () => {
        received.push({ line: `${request.method} ${request.url}`, body });
        response.end('answer');
      });
    },
  });
  return { gateway, received };
}

/** Sends bytes, then half-closes; all status lines that came back. */
function send(port: number, text: string | Buffer): Promise<string[]> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.end(text));
    socket.setEncoding('latin1');
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(answer.match(/HTTP\/1\.1 \d{3}/g) ?? []));
  });
}

/** Sends bytes and leaves the connection open until that many answers have come. */
function sendAndStay(port: number, { text, answers }: { text: string; answers: number }): Promise<string[]> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    socket.setEncoding('latin1');
    socket.on('data', (chunk) => {
      answer += chunk;
      const statuses = answer.match(/HTTP\/1\.1 \d{3}/g) ?? [];
      if (statuses.length < answers) return;
      resolve(statuses);
      socket.destroy();
    });
  });
}

const host = 'Host: app.localhost\r\n';
const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: app.localhost\r\n\r\n';
const chunkedSmuggled = `0\r\n\r\n${smuggled}`;

const refused: Record<string, string> = {
  'CL.TE': `POST / HTTP/1.1\r\n${host}Content-Length: ${chunkedSmuggled.length}\r\nTransfer-Encoding: chunked\r\n\r\n${chunkedSmuggled}`,
  'TE.CL': `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`,
  'TE.TE, second unknown': `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n${chunkedSmuggled}`,
  'TE with a prefix': `POST / HTTP/1.1\r\n${host}Transfer-Encoding: xchunked\r\n\r\n${chunkedSmuggled}`,
  'TE with a tab': `POST / HTTP/1.1\r\n${host}Transfer-Encoding:\tchunked\r\nContent-Length: 4\r\n\r\n${chunkedSmuggled}`,
  'TE with a space before the colon': `POST / HTTP/1.1\r\n${host}Transfer-Encoding : chunked\r\nContent-Length: 4\r\n\r\n${chunkedSmuggled}`,
  'TE with a vertical tab': `POST / HTTP/1.1\r\n${host}Transfer-Encoding: \x0bchunked\r\n\r\n${chunkedSmuggled}`,
  'TE folded over two lines': `POST / HTTP/1.1\r\n${host}Transfer-Encoding:\r\n chunked\r\nContent-Length: 4\r\n\r\n${chunkedSmuggled}`,
  'TE chunked, identity': `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked, identity\r\n\r\n${chunkedSmuggled}`,
  'TE in capitals': `POST / HTTP/1.1\r\n${host}Transfer-Encoding: CHUNKED\r\nContent-Length: 4\r\n\r\n${chunkedSmuggled}`,
  'TE in HTTP/1.0': `POST / HTTP/1.0\r\n${host}Transfer-Encoding: chunked\r\n\r\n${chunkedSmuggled}`,
  'two lengths': `POST / HTTP/1.1\r\n${host}Content-Length: 0\r\nContent-Length: ${smuggled.length}\r\n\r\n${smuggled}`,
  'a list of lengths': `POST / HTTP/1.1\r\n${host}Content-Length: 0, ${smuggled.length}\r\n\r\n${smuggled}`,
  'a length with a sign': `POST / HTTP/1.1\r\n${host}Content-Length: +0\r\n\r\n${smuggled}`,
  'a length in hex': `POST / HTTP/1.1\r\n${host}Content-Length: 0x0\r\n\r\n${smuggled}`,
  'a length beyond 64 bits': `POST / HTTP/1.1\r\n${host}Content-Length: 18446744073709551616\r\n\r\n${smuggled}`,
  'an obsolete fold': `GET / HTTP/1.1\r\n${host}X: a\r\n b\r\n\r\n`,
  'a bare carriage return in a value': `GET / HTTP/1.1\r\n${host}X: a\rTransfer-Encoding: chunked\r\n\r\n`,
  'a bare line feed after a header': `GET / HTTP/1.1\nHost: app.localhost\nX: y\n\n`,
  'NUL in a value': `GET / HTTP/1.1\r\n${host}X: a\0b\r\n\r\n`,
  'a space in a name': `GET / HTTP/1.1\r\n${host}X Y: a\r\n\r\n`,
  'a header before the host line': `GET / HTTP/1.1\r\n ${host}\r\n`,
  'no colon': `GET / HTTP/1.1\r\n${host}Broken\r\n\r\n`,
  'two hosts': `GET / HTTP/1.1\r\n${host}Host: other.localhost\r\n\r\n`,
  'an absolute target for another host': `GET http://other.localhost/ HTTP/1.1\r\n${host}\r\n`,
  'a space in the target': `GET /a b HTTP/1.1\r\n${host}\r\n`,
  'a tab in the request line': `GET\t/ HTTP/1.1\r\n${host}\r\n`,
  'an unknown version': `GET / HTTP/1.2\r\n${host}\r\n`,
  'HTTP/0.9': `GET /\r\n`,
  'the HTTP/2 preface': `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n`,
  'a TLS hello': '\x16\x03\x01\x02\x00\x01\x00\x01',
  'a chunk size with a sign': `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n+0\r\n\r\n${smuggled}`,
  'a chunk size with 0x': `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n${smuggled}`,
  'a chunk size that overflows': `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n\r\n${smuggled}`,
  'a chunk ended by a bare line feed': `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n0\n\n${smuggled}`,
  'a chunk longer than it says': `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n${smuggled}`,
  'a bare carriage return in a chunk extension': `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n0;a\rb\r\n\r\n${smuggled}`,
  'a bare line feed in a chunk extension': `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n5;a\nabcde\r\n0\r\n\r\n`,
};

for (const [name, bytes] of Object.entries(refused)) {
  test(`the gateway smuggles nothing to the app: ${name}`, async (t) => {
    const { gateway, received } = await start(t);
    const statuses = await send(gateway.port, bytes);
    assert.ok(
      statuses.every((status) => status.endsWith(' 400')),
      statuses.join(),
    );
    assert.ok(statuses.length <= 1);
    assert.deepEqual(received, []);
  });
}

test('a body that looks like a request stays a body, and pipelined requests stay apart', async (t) => {
  const { gateway, received } = await start(t);
  const statuses = await sendAndStay(gateway.port, {
    answers: 3,
    text: `POST /1 HTTP/1.1\r\n${host}Content-Length: ${smuggled.length}\r\n\r\n${smuggled}GET /2 HTTP/1.1\r\n${host}\r\nGET /3 HTTP/1.1\r\n${host}Content-Length: ${smuggled.length}\r\n\r\n${smuggled}`,
  });
  assert.deepEqual(statuses, ['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 200']);
  assert.deepEqual(received.map(({ line }) => line).sort(), ['GET /2', 'GET /3', 'POST /1']);
  assert.equal(received.find(({ line }) => line === 'POST /1')?.body, smuggled);
});

test('chunk extensions and trailer fields of a client do not reach the app', async (t) => {
  const { gateway, received } = await start(t);
  const chunks = '5;x="GET /smuggled"\r\nhello\r\n0\r\nNullius-Assertion: forged\r\n\r\n';
  const text = `POST / HTTP/1.1\r\n${host}Trailer: nullius-assertion\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`;
  assert.deepEqual(await sendAndStay(gateway.port, { text, answers: 1 }), ['HTTP/1.1 200']);
  assert.deepEqual(received, [{ line: 'POST /', body: 'hello' }]);
});

test('header floods are refused with 431, whether many or large, and the app sees none', async (t) => {
  const { gateway, received } = await start(t);
  assert.deepEqual(await send(gateway.port, `GET / HTTP/1.1\r\n${host}${'X: y\r\n'.repeat(10_000)}\r\n`), [
    'HTTP/1.1 431',
  ]);
  assert.deepEqual(await send(gateway.port, `GET / HTTP/1.1\r\n${host}${'X: y\r\n'.repeat(1_000)}\r\n`), [
    'HTTP/1.1 431',
  ]);
  assert.deepEqual(await send(gateway.port, `GET / HTTP/1.1\r\n${host}X: ${'y'.repeat(headerBytesMax)}\r\n\r\n`), [
    'HTTP/1.1 431',
  ]);
  assert.deepEqual(await send(gateway.port, `GET /${'a'.repeat(10_000)} HTTP/1.1\r\n${host}\r\n`), ['HTTP/1.1 414']);
  assert.deepEqual(received, []);
});

test('CONNECT is refused, and what follows it is not read as a request', async (t) => {
  const { gateway, received } = await start(t);
  assert.deepEqual(await send(gateway.port, `CONNECT app.localhost:80 HTTP/1.1\r\n${host}\r\n${smuggled}`), [
    'HTTP/1.1 405',
  ]);
  assert.deepEqual(received, []);
});
