// Our reader of HTTP/1.1 beside llhttp, the parser of Node, in its strict mode: what ours accepts llhttp accepts as the same requests.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import fc from 'fast-check';
import { cut, type ReadRequest, readByUs } from './test-wire.ts';

/** Node's own binding of llhttp, which has no types. */
interface LlhttpParser {
  [callback: number]: (...args: never[]) => unknown;
  initialize(type: number, resource: object, maxHeaderSize: number, lenientFlags: number): void;
  execute(bytes: Buffer): number | Error;
}
interface LlhttpBinding {
  new (): LlhttpParser;
  readonly REQUEST: number;
  readonly kOnHeaders: number;
  readonly kOnHeadersComplete: number;
  readonly kOnBody: number;
  readonly kOnMessageComplete: number;
}
const { HTTPParser } = createRequire(import.meta.url)('_http_common') as { readonly HTTPParser: LlhttpBinding };
/** Numbers of llhttp for the methods that are served here. */
const methods = new Map(Object.entries({ DELETE: 0, GET: 1, HEAD: 2, POST: 3, PUT: 4, OPTIONS: 6, PATCH: 28 }));
const methodOf = (code: number) => [...methods].find(([, each]) => each === code)?.[0] ?? `method ${code}`;

/** What llhttp makes of the bytes, up to its first error or an upgrade. */
function readByLlhttp(bytes: Buffer): ReadRequest[] {
  const requests: ReadRequest[] = [];
  const parser = new HTTPParser();
  parser.initialize(HTTPParser.REQUEST, {}, 1 << 20, 0);
  let fields: string[] = [];
  let flushedTarget = '';
  // Called for long heads, for trailers, and for every head after trailers.
  parser[HTTPParser.kOnHeaders] = (more: string[], target: string) => {
    if (requests.at(-1)?.isWhole === false) return;
    fields.push(...more);
    flushedTarget += target;
  };
  parser[HTTPParser.kOnHeadersComplete] = (
    _major: number,
    minor: number,
    headers: string[] | undefined,
    method: number,
    url: string | undefined,
    _status: number,
    _reason: string,
    upgrade: boolean,
  ) => {
    fields.push(...(headers ?? []));
    const target = url ?? flushedTarget;
    flushedTarget = '';
    requests.push({
      method: methodOf(method),
      // The absolute form is accepted where its authority is the one in Host.
      target: target.replace(/^https?:\/\/[^/?#]*(?=[/?#])/i, '').replace(/^https?:\/\/[^/?#]*$/i, '/'),
      minorVersion: minor,
      headers: fields.map((text, index) => (index % 2 === 0 ? text.toLowerCase() : text)),
      body: '',
      isWhole: false,
    });
    fields = [];
    return upgrade ? 2 : 0;
  };
  parser[HTTPParser.kOnBody] = (chunk: Buffer) => {
    const last = requests.at(-1);
    if (last !== undefined) last.body += chunk.toString('latin1');
  };
  parser[HTTPParser.kOnMessageComplete] = () => {
    const last = requests.at(-1);
    if (last !== undefined) last.isWhole = true;
  };
  parser.execute(bytes);
  return requests;
}

const pick = <T>(...entries: { weight: number; arbitrary: fc.Arbitrary<T> }[]) => fc.oneof(...entries);
const mostly = <T>(usual: T, ...odd: T[]) =>
  pick({ weight: 20, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(usual, ...odd) });

const lineEnd = mostly('\r\n', '\n', '\r', '\r\r\n', '\n\r\n', ' \r\n', '\r\n ', '\r\n\t');
const gap = mostly(' ', '  ', '\t', '', '\x0b');
const word = fc.string({ unit: fc.constantFrom(..."abz09-_~!#$%&*+.^|`'"), minLength: 1, maxLength: 6 });
const anyText = fc.string({ unit: fc.constantFrom(...'ab ,;="\t\\/:\x7f\x80\xe9\xff\0'), maxLength: 8 });

const field = pick<string>(
  { weight: 6, arbitrary: fc.tuple(word, mostly(':', ' :', ':\t', ''), anyText).map((parts) => parts.join('')) },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      'Connection: close',
      'connection: keep-alive',
      'Connection: Upgrade',
      'Connection: close, x-a',
      'Upgrade: websocket',
      'Upgrade: h2c',
      'Expect: 100-continue',
      'Cookie: a=1',
      'TE: trailers',
      'Proxy-Connection: keep-alive',
      'Content-Length: 3',
      'Content-Length: 03',
      'Content-Length: 3 ',
      'Content-Length: 3, 3',
      'Content-Length: +3',
      'Content-Length:',
      'Content_Length: 3',
      'Transfer-Encoding: chunked',
      'Transfer-Encoding: Chunked',
      'Transfer-Encoding: chunked, chunked',
      'Transfer-Encoding: identity',
      'Transfer-Encoding : chunked',
      'Trailer: x',
      'Host: b.example.test',
      ' folded',
      '\tfolded: x',
    ),
  },
);

const chunkSize = (length: number) =>
  mostly(
    length.toString(16),
    length.toString(16).toUpperCase(),
    `0${length.toString(16)}`,
    `${length.toString(16)} `,
    `+${length}`,
    `0x${length}`,
    `${length.toString(16)};a`,
    `${length.toString(16)};a=b;c="d e"`,
    `${length.toString(16)};`,
    `${length.toString(16)};a="b\\"c"`,
    `${length.toString(16)};a=`,
    `${length.toString(16)}; a`,
    `1${length.toString(16)}`,
    '',
    '10000000000000000',
  );
const content = fc.string({ unit: fc.constantFrom(...'ab\r\n0GET /:\0\xff'), maxLength: 20 });
const chunk = fc
  .tuple(
    content.chain((text) => fc.tuple(chunkSize(text.length), fc.constant(text))),
    lineEnd,
    lineEnd,
  )
  .map(([[size, text], first, second]) => (text === '' ? '' : `${size}${first}${text}${second}`));
const trailer = mostly(
  '',
  'X-Sum: 1\r\n',
  'Host: b\r\n',
  'Content-Length: 1\r\n',
  'bad trailer\r\n',
  ' x: y\r\n',
  'x : y\r\n',
);
const chunkedBody = fc
  .tuple(fc.array(chunk, { maxLength: 3 }), mostly('0', '00', '0;x', '0 '), lineEnd, trailer, lineEnd)
  .map(([chunks, ...rest]) => ({ fields: ['Transfer-Encoding: chunked'], text: chunks.join('') + rest.join('') }));
const sizedBody = content.chain((text) =>
  mostly(text.length, text.length + 1, Math.max(0, text.length - 1)).map((length) => ({
    fields: [`Content-Length: ${length}`],
    text,
  })),
);
const body = pick(
  { weight: 3, arbitrary: fc.constant({ fields: [] as string[], text: '' }) },
  { weight: 2, arbitrary: sizedBody },
  { weight: 3, arbitrary: chunkedBody },
);

const request = fc
  .record({
    before: mostly('', '\r\n', '\n', '\r\n\r\n', ' '),
    method: mostly('GET', 'POST', 'HEAD', 'DELETE', 'get', 'TRACE', 'CONNECT', 'PROPFIND', 'FOO', 'M-SEARCH', 'GE', ''),
    target: mostly(
      '/',
      '/a?b=c',
      'http://a.example.test/x',
      'http://b.example.test/',
      '*',
      'a',
      '/a b',
      '/\x80',
      '/#x',
      '//a',
      '/%2e',
    ),
    version: mostly('HTTP/1.1', 'HTTP/1.0', 'HTTP/1.2', 'HTTP/2.0', 'http/1.1', 'HTTP/0.9', 'HTTP/1.1 ', 'HTTP/01.1'),
    gaps: fc.tuple(gap, gap),
    host: mostly('Host: a.example.test', 'host:a.example.test', 'Host:\ta.example.test \t', 'Host: a', 'X: y'),
    fields: fc.array(field, { maxLength: 3 }),
    ends: fc.tuple(lineEnd, lineEnd, lineEnd, lineEnd),
    body,
  })
  .map(({ before, method, target, version, gaps, host, fields, ends, body: { fields: framing, text } }) => {
    const lines = [host, ...fields, ...framing].map((line, index) => `${line}${ends[index % 3]}`).join('');
    return `${before}${method}${gaps[0]}${target}${gaps[1]}${version}${ends[0]}${lines}${ends[3]}${text}`;
  });

/** One byte changed, put in, or taken out. */
interface Mutation {
  readonly place: number;
  readonly kind: 'replace' | 'insert' | 'remove';
  readonly byte: number;
}
const mutation: fc.Arbitrary<Mutation> = fc.record({
  place: fc.nat(),
  kind: fc.constantFrom('replace' as const, 'insert' as const, 'remove' as const),
  byte: fc.constantFrom(...Buffer.from('\r\n\t\0 :;,=0159aAzZ/"\\\x0b\x7f\x80\xff', 'latin1')),
});
const stream = fc
  .tuple(
    fc.array(request, { minLength: 1, maxLength: 3 }),
    pick<Mutation[]>(
      { weight: 2, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.array(mutation, { maxLength: 2 }) },
    ),
  )
  .map(([requests, mutations]) => {
    let bytes = [...Buffer.from(requests.join(''), 'latin1')];
    for (const { place, kind, byte } of mutations) {
      const at = place % (bytes.length + 1);
      const inserted = kind === 'remove' ? [] : [byte];
      bytes = [...bytes.slice(0, at), ...inserted, ...bytes.slice(kind === 'insert' ? at : at + 1)];
    }
    return Buffer.from(bytes);
  });
const places = fc.array(fc.nat(), { maxLength: 6 });

const tabBehindChunked = Buffer.from(
  'GET / HTTP/1.1\r\nHost: a.example.test\r\nTransfer-Encoding: chunked\t\r\n\r\n2\r\naa\r\n0\r\n\r\n',
);

test('what we read as requests llhttp in strict mode reads as the same requests, in any cut of the bytes', () => {
  let whole = 0;
  let withBody = 0;
  fc.assert(
    fc.property(stream, places, (bytes, cuts) => {
      const ours = readByUs(cut(bytes, cuts)).requests;
      const theirs = readByLlhttp(bytes);
      assert.ok(ours.length <= theirs.length, 'a request that llhttp does not see');
      for (const [index, our] of ours.entries()) {
        const their = theirs[index];
        assert.ok(their !== undefined);
        if (our.isWhole) {
          assert.deepEqual(our, their);
          whole++;
          if (our.body !== '') withBody++;
        } else {
          assert.ok(their.body.startsWith(our.body));
          assert.deepEqual({ ...our, body: '' }, { ...their, body: '', isWhole: false });
        }
      }
    }),
    { numRuns: 8_000, examples: [[tabBehindChunked, []]] },
  );
  // Comparing nothing would prove nothing.
  assert.ok(whole > 2_000 && withBody > 400, `${whole} ${withBody}`);
});

test('where the bytes are cut makes no difference to what is read', () => {
  fc.assert(
    fc.property(stream, places, (bytes, cuts) => {
      const atOnce = readByUs([bytes]);
      const each = readByUs([...bytes].map((byte) => Buffer.of(byte)));
      const some = readByUs(cut(bytes, cuts));
      for (const other of [each, some]) {
        assert.equal(other.isRefused, atOnce.isRefused);
        const wholeOf = (requests: ReadRequest[]) => requests.filter(({ isWhole }) => isWhole);
        assert.deepEqual(wholeOf(other.requests), wholeOf(atOnce.requests));
        assert.equal(other.output, atOnce.output);
      }
    }),
    { numRuns: 3_000 },
  );
});
