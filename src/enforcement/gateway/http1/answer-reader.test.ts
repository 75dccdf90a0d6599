// Strictness of the answer reader, with llhttp beside it: what ours takes, llhttp takes too, and reads the same way.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { answerFieldCountMax, headerBytesMax, interimAnswersMax, trailerBytesMax } from '../limits.ts';
import { responseHeadersFor } from '../response-headers.ts';
import type { AnswerHead } from './answer-head.ts';
import { answerFields } from './answer-head-text.ts';
import { AnswerReader } from './answer-reader.ts';
import { answerTrailersFor, readAnswerTrailers } from './answer-trailers.ts';
import { MessageError } from './message-error.ts';
import { readByLlhttp } from './test-llhttp.ts';

const cleaning = { strictTransportSecurity: null, ownService: false };

interface Reading {
  readonly problem: string | null;
  readonly done: boolean;
  readonly status: number;
  readonly headers: readonly string[];
  readonly keepsAlive: boolean;
  readonly hints: readonly string[];
  readonly body: string;
  readonly trailers: readonly string[];
  /** Bytes that belong to the answer, when it is whole. */
  readonly length: number;
}

interface Case {
  readonly method?: string;
  readonly cuts?: readonly number[];
  readonly isClosed?: boolean;
}

/** What goes out as lines must be what the fields one by one would be laid out as; the app's spelling of names stays. */
function assertLaid({ lines, contentLength, hasDate, pairs, status }: AnswerHead): void {
  const expected = answerFields(pairs);
  assert.equal(
    lines.replaceAll(/^[^:]+/gm, (name) => name.toLowerCase()),
    expected.lines,
  );
  assert.equal(hasDate, expected.hasDate);
  if (status !== 204) assert.equal(contentLength, expected.contentLength);
}

/** Reads bytes in one shared buffer, as a connection does, cut at the given places. */
function read(bytes: Buffer, { method = 'GET', cuts = [], isClosed = false }: Case = {}): Reading {
  let head: AnswerHead | undefined;
  let body = '';
  const hints: string[] = [];
  const kept: Buffer[] = [];
  const reader = new AnswerReader({
    method,
    cleaning,
    sink: {
      onEarlyHints: (links) => void hints.push(...links),
      onHead: (answer) => {
        head = answer as AnswerHead;
      },
      onData: (chunk) => void kept.push(Buffer.from(chunk)),
    },
  });
  let problem: string | null = null;
  let length = 0;
  let trailers: readonly string[] = [];
  const shared = Buffer.alloc(bytes.length + 64);
  const places = [...new Set(cuts)].filter((at) => at > 0 && at < bytes.length).sort((a, b) => a - b);
  try {
    let from = 0;
    for (const to of [...places, bytes.length]) {
      if (reader.done) break;
      // What another app left in the buffer: a whole head.
      shared.fill('\r\n\r\nHTTP/1.1 200 OK\r\n\r\n');
      bytes.copy(shared, 0, from, to);
      const at = reader.push(shared, to - from);
      assert.ok(reader.done || at === to - from);
      length = from + at;
      from = to;
    }
    if (isClosed && !reader.done) reader.finish();
    if (reader.done) trailers = readAnswerTrailers(reader.trailerText);
  } catch (error) {
    if (!(error instanceof MessageError)) throw error;
    problem = error.message;
  }
  shared.fill('!');
  if (head !== undefined) assertLaid(head);
  body = Buffer.concat(kept).toString('latin1');
  return {
    problem,
    done: reader.done && problem === null,
    status: head?.status ?? 0,
    headers: head?.pairs ?? [],
    keepsAlive: head?.keepsAlive ?? false,
    hints,
    body,
    trailers,
    length: reader.done ? length : 0,
  };
}

const text = (value: string) => Buffer.from(value, 'latin1');

test('AnswerReader reads an answer of each framing, its cleaned headers, and where it ends', () => {
  const whole = read(text('HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX-A:  b \r\nAlt-Svc: h3=":443"\r\n\r\nbodyHTTP'));
  assert.deepEqual(
    { done: whole.done, body: whole.body, headers: whole.headers, keepsAlive: whole.keepsAlive },
    { done: true, body: 'body', headers: ['content-length', '4', 'x-a', 'b'], keepsAlive: true },
  );
  assert.equal(
    whole.length,
    text('HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX-A:  b \r\nAlt-Svc: h3=":443"\r\n\r\nbody').length,
  );
  const chunked = read(
    text('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n1\r\nd\r\n0\r\nX-T: 1\r\n\r\n'),
  );
  assert.deepEqual([chunked.done, chunked.body, chunked.trailers, chunked.headers], [true, 'abcd', ['x-t', '1'], []]);
  const open = read(text('HTTP/1.1 200\r\n\r\nuntil the end'), { isClosed: true });
  assert.deepEqual([open.done, open.body, open.keepsAlive], [true, 'until the end', false]);
  const hinted = read(
    text('HTTP/1.1 103 Hi\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Go\r\n\r\nHTTP/1.1 204 No\r\nContent-Length: 0\r\n\r\n'),
  );
  assert.deepEqual([hinted.done, hinted.hints, hinted.status, hinted.headers], [true, ['</a>'], 204, []]);
  for (const [method, status] of [
    ['HEAD', 200],
    ['GET', 304],
  ] as const) {
    const bare = read(text(`HTTP/1.1 ${status} X\r\nContent-Length: 10\r\n\r\n`), { method });
    assert.deepEqual([bare.done, bare.body, bare.headers], [true, '', ['content-length', '10']]);
  }
});

const refused: Record<string, string> = {
  'another protocol': 'SSH-2.0-OpenSSH_9.2\r\n',
  'HTTP/2': 'HTTP/2.0 200 OK\r\n\r\n',
  'HTTP/1.2': 'HTTP/1.2 200 OK\r\n\r\n',
  'lower case': 'http/1.1 200 OK\r\n\r\n',
  'an empty line before': '\r\nHTTP/1.1 200 OK\r\n\r\n',
  'a status of two digits': 'HTTP/1.1 20 OK\r\n\r\n',
  'a status of four digits': 'HTTP/1.1 2000 OK\r\n\r\n',
  'a status below 100': 'HTTP/1.1 099 OK\r\n\r\n',
  'two spaces': 'HTTP/1.1  200 OK\r\n\r\n',
  'a bare line feed behind the status line': 'HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n',
  'a bare carriage return in the reason': 'HTTP/1.1 200 O\rK\r\n\r\n',
  'a bare line feed in a value': 'HTTP/1.1 200 OK\r\nX: a\nSet-Cookie: b\r\n\r\n',
  'NUL in a value': 'HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n',
  'DEL in a value': 'HTTP/1.1 200 OK\r\nX: a\x7fb\r\n\r\n',
  'a folded line': 'HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n',
  'a folded first line': 'HTTP/1.1 200 OK\r\n X: a\r\n\r\n',
  'a space before the colon': 'HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n',
  'no colon': 'HTTP/1.1 200 OK\r\nBroken\r\nX: a\r\n\r\n',
  'no name': 'HTTP/1.1 200 OK\r\n: a\r\n\r\n',
  'a name that is no token': 'HTTP/1.1 200 OK\r\nX(a): b\r\n\r\n',
  'length and chunks': 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'chunks and length': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n',
  'two lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
  'two equal lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na',
  'a list of lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\na',
  'a signed length': 'HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\na',
  'an empty length': 'HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\na',
  'a length beyond numbers': 'HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551617\r\n\r\na',
  'another coding': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
  'chunked twice': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'chunks in HTTP/1.0': 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'a body with 204': 'HTTP/1.1 204 No\r\nContent-Length: 1\r\n\r\na',
  'chunks with 204': 'HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'a body with 100': 'HTTP/1.1 100 Go\r\nContent-Length: 1\r\n\r\na',
  'a switch of protocols': 'HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
  'no chunk size': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n',
  'a chunk size in words': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nten\r\n',
  'a signed chunk size': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n',
  'a chunk size with 0x': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n',
  'a chunk size beyond numbers': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000\r\n',
  'a space behind a chunk size': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1 \r\na\r\n0\r\n\r\n',
  'a chunk longer than it says': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n',
  'a chunk that does not end by CRLF': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\naX\n0\r\n\r\n',
  'an empty chunk size behind a chunk': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n\r\n\r\n',
  'a bare line feed behind a chunk size': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n',
  'a bare line feed in an extension': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;a\na\r\n0\r\n\r\n',
  'a bare carriage return in an extension': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;a\rb\r\na\r\n',
  'an extension without a name': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;=a\r\na\r\n0\r\n\r\n',
  'a backslash in a quoted extension': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;a="\\""\r\na\r\n',
  'extensions without end': `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${'1;abcdefgh\r\na\r\n'.repeat(40)}`,
  'a length among the trailers': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 1\r\n\r\n',
  'a bare line feed in a trailer': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: a\nY: b\r\n\r\n',
  'a folded trailer': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: a\r\n b\r\n\r\n',
  'trailers without end': `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ${'a'.repeat(trailerBytesMax)}\r\n\r\n`,
  'a head too large': `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(headerBytesMax)}\r\n\r\n`,
  'a head without end': `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(headerBytesMax)}`,
  'too many fields': `HTTP/1.1 200 OK\r\n${'X: a\r\n'.repeat(answerFieldCountMax + 1)}\r\n`,
  'interim answers without end': 'HTTP/1.1 102 X\r\n\r\n'.repeat(interimAnswersMax + 1),
};

for (const [name, bytes] of Object.entries(refused)) {
  test(`AnswerReader refuses an answer with ${name}, however it is cut`, () => {
    assert.notEqual(read(text(bytes)).problem, null, 'in one piece');
    const bytewise = Array.from({ length: bytes.length }, (_, index) => index);
    assert.notEqual(read(text(bytes), { cuts: bytewise }).problem, null, 'byte by byte');
  });
}

test('AnswerReader keeps no connection that an interim answer says will be closed', () => {
  const final = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';
  assert.equal(read(text(`HTTP/1.1 103 X\r\n\r\n${final}`)).keepsAlive, true);
  assert.equal(read(text(`HTTP/1.1 103 X\r\nConnection: close\r\n\r\n${final}`)).keepsAlive, false);
});

test('AnswerReader takes no answer for whole that its connection ended in', () => {
  for (const bytes of [
    '',
    'HTTP/1.1 200 OK\r\n',
    'HTTP/1.1 100 Go\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n',
  ]) {
    assert.notEqual(read(text(bytes), { isClosed: true }).problem, null, bytes);
  }
});

// Pieces that meet where parsers differ, in the right order more often than not.
const oneOf = (...values: string[]) => fc.constantFrom(...values);
const eol = fc.oneof(
  { weight: 30, arbitrary: fc.constant('\r\n') },
  oneOf('\n', '\r', '\r\r\n', '\n\r\n', '', ' \r\n', '\r\n '),
);
const version = fc.oneof(
  { weight: 12, arbitrary: fc.constant('HTTP/1.1 ') },
  oneOf('HTTP/1.0 ', 'HTTP/1.1', 'HTTP/2.0 ', 'http/1.1 ', 'HTTP/1.1\t', '\r\nHTTP/1.1 '),
);
const status = fc.oneof(
  { weight: 8, arbitrary: oneOf('200', '204', '304', '404', '500', '205') },
  oneOf('100', '101', '102', '103', '099', '1000', '20', '+20', '999', '600'),
);
const reason = fc.oneof(
  { weight: 6, arbitrary: oneOf(' OK', ' ', '') },
  oneOf(' \0', ' \x80', '\t', ' a:b', '  x', ' \x01'),
);
const name = fc.oneof(
  { weight: 5, arbitrary: oneOf('Content-Length', 'Transfer-Encoding', 'Connection', 'X-A', 'content-type', 'Link') },
  oneOf(
    'content_length',
    'Content-Length ',
    ' X',
    '',
    'Keep-Alive',
    'Set-Cookie',
    'Upgrade',
    'Date',
    'ETag',
    'Service-Worker-Allowed',
    'X(',
    'Transfer-Encoding\0',
    '\x80',
  ),
);
const value = fc.oneof(
  { weight: 5, arbitrary: oneOf('0', '3', '5', 'chunked', 'close', 'keep-alive', 'a') },
  oneOf(
    '',
    '3, 3',
    '+3',
    '0x3',
    '03',
    'Chunked',
    'gzip, chunked',
    'chunked, gzip',
    'identity',
    'a\0',
    'a\x7f',
    '\x80\xff',
    'close, x',
    'a\r',
    'timeout=1',
    '\t3\t',
    '99999999999999999999',
    '__Host-nullius=x; Domain=a',
    '3 3',
    '/a/',
    'upgrade',
  ),
);
const field = fc.tuple(name, oneOf(': ', ':', ':\t', ' :', ': '), value, eol).map((parts) => parts.join(''));
const chunk = fc.oneof(
  {
    weight: 6,
    arbitrary: oneOf('3\r\nabc\r\n', '1;x=y\r\na\r\n', 'a\r\n0123456789\r\n', '0003\r\nabc\r\n', '2;q="z z"\r\nab\r\n'),
  },
  oneOf(
    '3\r\nab\r\n',
    '3 \r\nabc\r\n',
    '3;\r\nabc\r\n',
    '-1\r\n',
    '3\nabc\n',
    'g\r\n',
    '3;a=\r\nabc\r\n',
    '3;a=b=c\r\nabc\r\n',
    '3;"a"\r\nabc\r\n',
    ';a\r\n',
    '3;a b\r\nabc\r\n',
    '3\r\nabc',
    'ffffffffffffffff\r\n',
  ),
);
const body = fc.oneof(
  oneOf('', 'abc', 'abcde', '\r\n\r\n'),
  fc
    .tuple(
      fc.array(chunk, { maxLength: 3 }),
      oneOf('0\r\n', '0;a\r\n', '00\r\n', ''),
      fc.array(field, { maxLength: 2 }),
      eol,
    )
    .map(([chunks, last, trailers, end]) => [...chunks, last, ...trailers, end].join('')),
);
const message = fc
  .tuple(version, status, reason, eol, fc.array(field, { maxLength: 4 }), eol, body)
  .map(([first, code, words, end, fields, blank, content]) =>
    [first, code, words, end, ...fields, blank, content].join(''),
  );
const answer = fc.oneof(
  { weight: 4, arbitrary: message },
  fc.tuple(message, message).map((both) => both.join('')),
);
/** A byte changed, taken out or put in, anywhere. */
const mutated = fc
  .tuple(
    answer,
    fc.option(
      fc.tuple(
        fc.nat(400),
        fc.constantFrom('change', 'remove', 'insert'),
        oneOf('\r', '\n', ' ', '\0', ':', ';', '0', 'a', ',', '\t', '\x80'),
      ),
      { freq: 2 },
    ),
  )
  .map(([bytes, change]) => {
    if (change === null) return bytes;
    const [place, kind, byte] = change;
    const at = place % (bytes.length + 1);
    return `${bytes.slice(0, at)}${kind === 'remove' ? '' : byte}${bytes.slice(kind === 'insert' ? at : at + 1)}`;
  });
const closingInterim = /^HTTP\/1\.(?:0 1\d\d|1 1\d\d[\s\S]*\nconnection:[ \t]*close)/i;
const someCuts = fc.array(fc.nat(300), { maxLength: 8 });

test('AnswerReader takes only what llhttp takes, with the same status, headers, body and trailers', () => {
  let taken = 0;
  fc.assert(
    fc.property(mutated, someCuts, oneOf('GET', 'HEAD', 'POST'), fc.boolean(), (sent, cuts, method, isClosed) => {
      const bytes = text(sent);
      const ours = read(bytes, { method, cuts, isClosed });
      if (ours.status === 0) return;
      // llhttp takes nothing behind an interim answer that says so; ours does, and uses the connection no more.
      if (closingInterim.test(sent)) return;
      const theirs = readByLlhttp(ours.done ? bytes.subarray(0, ours.length) : bytes, { method, isClosed });
      assert.equal(theirs.status, ours.status);
      assert.deepEqual(responseHeadersFor(withoutEmptyLength(theirs.rawHeaders, ours.status), cleaning), ours.headers);
      if (!ours.done) return;
      taken++;
      assert.equal(theirs.isBroken, false);
      assert.equal(theirs.isWhole, true);
      assert.equal(theirs.body, ours.body);
      assert.deepEqual(answerTrailersFor(theirs.rawTrailers), ours.trailers);
      // It says so before it is told that an answer to HEAD has no body.
      assert.ok(theirs.keepsAlive || method === 'HEAD' || !ours.keepsAlive);
    }),
    { numRuns: 20_000 },
  );
  assert.ok(taken > 1_000, `only ${taken} answers were taken: the generator is too wild to say anything`);
});

/** `Content-Length: 0` with 204 is left out by ours (RFC 9110 8.6). */
function withoutEmptyLength(raw: readonly string[], code: number): readonly string[] {
  return raw.filter((_, index) => code !== 204 || raw[index - (index % 2)]?.toLowerCase() !== 'content-length');
}

test('AnswerReader reads the same however the bytes are cut', () => {
  fc.assert(
    fc.property(mutated, someCuts, oneOf('GET', 'HEAD'), fc.boolean(), (sent, cuts, method, isClosed) => {
      const bytes = text(sent);
      const inOne = read(bytes, { method, isClosed });
      const inPieces = read(bytes, { method, cuts, isClosed });
      assert.equal(inPieces.problem === null, inOne.problem === null);
      // Of an answer that is refused, more or less may have been told before.
      if (inOne.problem === null) assert.deepEqual(inPieces, inOne);
    }),
    { numRuns: 5_000 },
  );
});
