import type { RequestHead } from '../read-request.ts';
import { firstHash, nameAt, nextHash, tokenBytes, valueBytes } from './header-table.ts';

/** `incomplete`: well-formed as far as it goes. The other two end the connection. */
export type HeadFault = 'incomplete' | 'malformed' | 'too-large';

/** A request head, and where the bytes behind it begin. */
export interface HeadReading extends RequestHead {
  readonly end: number;
}

const methodBytesMax = 32;
const tab = 0x09;
const lf = 0x0a;
const cr = 0x0d;
const space = 0x20;
const colon = 0x3a;
const version = Buffer.from('HTTP/1.', 'latin1');

/** Where the values of the fields read last lie: start and end in turn. Reading never waits, so one list serves all. */
const valuePlaces: number[] = [];

/**
 * Reads one HTTP/1.1 or 1.0 request head (RFC 9112 2 to 5; attacker-controlled) from `from` on, and looks no further than
 * `bytesMax` bytes. Exactly one spelling of everything: CRLF only, single spaces, no folding, no space around a name. What the head
 * means, its framing above all, is for `readRequest` to judge.
 */
export function readRequestHead(
  bytes: Buffer,
  { from, bytesMax }: { readonly from: number; readonly bytesMax: number },
): HeadReading | HeadFault {
  const limit = Math.min(bytes.length, from + bytesMax);
  const reading = readWithin(bytes, { from, limit });
  return reading === 'incomplete' && bytes.length - from >= bytesMax ? 'too-large' : reading;
}

function readWithin(
  bytes: Buffer,
  { from, limit }: { readonly from: number; readonly limit: number },
): HeadReading | 'incomplete' | 'malformed' {
  // RFC 9112 2.2: one empty line before the request line is passed over.
  let at = from;
  if (at < limit && bytes[at] === cr) {
    if (at + 1 === limit) return 'incomplete';
    if (bytes[at + 1] !== lf) return 'malformed';
    at += 2;
  }
  const start = at;
  while (at < limit && tokenBytes[bytes[at] ?? 0] !== 0 && at - start < methodBytesMax) at++;
  if (at === limit) return 'incomplete';
  const methodEnd = at;
  if (methodEnd === start || bytes[at] !== space) return 'malformed';
  at++;
  const targetStart = at;
  while (at < limit && isTargetByte(bytes[at] ?? 0)) at++;
  if (at === limit) return 'incomplete';
  const targetEnd = at;
  if (targetEnd === targetStart || bytes[at] !== space) return 'malformed';
  at++;
  for (const expected of version) {
    if (at === limit) return 'incomplete';
    if (bytes[at++] !== expected) return 'malformed';
  }
  const minor = bytes[at];
  if (at === limit) return 'incomplete';
  if (minor !== 0x30 && minor !== 0x31) return 'malformed';
  const lineEnd = readLineEnd(bytes, { at: at + 1, limit });
  if (typeof lineEnd === 'string') return lineEnd;
  const rawHeaders: string[] = [];
  const end = readFields(bytes, { from: lineEnd, limit, names: rawHeaders });
  if (typeof end === 'string') return end;
  // One string for the whole head; the parts are cut out of it without copying.
  const text = bytes.toString('latin1', start, end);
  for (let field = 0; field < rawHeaders.length; field += 2) {
    rawHeaders[field + 1] = text.slice((valuePlaces[field] ?? 0) - start, (valuePlaces[field + 1] ?? 0) - start);
  }
  return {
    httpVersion: minor === 0x31 ? '1.1' : '1.0',
    method: text.slice(0, methodEnd - start),
    target: text.slice(targetStart - start, targetEnd - start),
    authority: null,
    scheme: null,
    protocol: null,
    rawHeaders,
    endsStream: false,
    end,
  };
}

/**
 * Passes over field lines (RFC 9112 5) and the empty line behind them; gives the position after it. Each name goes into `names`
 * with an empty place behind it for its value.
 */
export function readFields(
  bytes: Buffer,
  { from, limit, names }: { readonly from: number; readonly limit: number; readonly names: string[] },
): number | 'incomplete' | 'malformed' {
  let at = from;
  valuePlaces.length = 0;
  for (;;) {
    if (at === limit) return 'incomplete';
    if (bytes[at] === cr) return readLineEnd(bytes, { at, limit });
    const nameStart = at;
    let hash = firstHash;
    for (let low = tokenBytes[bytes[at] ?? 0] ?? 0; low !== 0; low = tokenBytes[bytes[at] ?? 0] ?? 0) {
      hash = nextHash(hash, low);
      if (++at === limit) return 'incomplete';
    }
    if (at === nameStart || bytes[at] !== colon) return 'malformed';
    names.push(nameAt(bytes, { from: nameStart, to: at, hash }), '');
    at++;
    while (at < limit && (bytes[at] === space || bytes[at] === tab)) at++;
    const valueStart = at;
    while (at < limit && valueBytes[bytes[at] ?? 0] === 1) at++;
    if (at === limit) return 'incomplete';
    const lineEnd = readLineEnd(bytes, { at, limit });
    if (typeof lineEnd === 'string') return lineEnd;
    let valueEnd = at;
    while (valueEnd > valueStart && (bytes[valueEnd - 1] === space || bytes[valueEnd - 1] === tab)) valueEnd--;
    // A tab behind `chunked` is blank (RFC 9110 5.6.3), and yet other parsers take it for part of the coding.
    const hasTab = valueEnd < at && bytes.subarray(valueEnd, at).includes(tab);
    if (hasTab && names.at(-2)?.toLowerCase() === 'transfer-encoding') return 'malformed';
    valuePlaces.push(valueStart, valueEnd);
    at = lineEnd;
  }
}

function readLineEnd(
  bytes: Buffer,
  { at, limit }: { readonly at: number; readonly limit: number },
): number | 'incomplete' | 'malformed' {
  if (at < limit && bytes[at] !== cr) return 'malformed';
  if (at + 1 >= limit) return 'incomplete';
  return bytes[at + 1] === lf ? at + 2 : 'malformed';
}

/** Visible ASCII. Which of it a target may really have is `readPath`'s to say. */
function isTargetByte(byte: number): boolean {
  return byte > space && byte < 0x7f;
}
