import { problem } from './problem.ts';

/** Members and items of one body: 10,000 policies with their states have fewer. */
const valuesMax = 200_000;
const depthMax = 100;

const marks = {
  ...{ quote: 0x22, backslash: 0x5c, comma: 0x2c, open: [0x5b, 0x7b], close: [0x5d, 0x7d] },
  ...{ u: 0x75, d: 0x64, eight: 0x38, nine: 0x39, a: 0x61, b: 0x62, c: 0x63, f: 0x66 },
} as const;

/**
 * Parses a body (attacker-controlled), whose length its route bounds. Throws ApiProblem 400. What it may hold is counted in its bytes
 * before: to be called for each of millions of values costs seconds, in which control answers nobody. Half a surrogate pair can be
 * escaped in JSON, but is no Unicode: no schema of entities takes it.
 */
export function readJson(bytes: Buffer): unknown {
  const found = scan(bytes);
  if (found !== undefined) throw problem(400, 'invalid', found);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    throw problem(400, 'invalid', 'the body is not JSON in UTF-8');
  }
}

/** What is wrong, if it is that. In UTF-8 these marks are bytes that stand for nothing else. */
function scan(bytes: Buffer): string | undefined {
  let [values, depth] = [0, 0];
  for (let at = 0; at < bytes.byteLength; at += 1) {
    const byte = bytes[at];
    if (byte === marks.quote) {
      at = endOfText(bytes, at + 1);
      if (at < 0) return 'a text in the body holds half a surrogate pair, which is no Unicode';
    } else if (byte === marks.comma) {
      values += 1;
    } else if (byte === marks.open[0] || byte === marks.open[1]) {
      [values, depth] = [values + 1, depth + 1];
      if (depth > depthMax) return `the body nests deeper than ${depthMax} levels`;
    } else if (byte === marks.close[0] || byte === marks.close[1]) {
      depth -= 1;
    }
    if (values > valuesMax) return `the body holds more than ${valuesMax} values`;
  }
  return undefined;
}

/** Where the quote stands that ends a text; -1 for half a surrogate pair in it. Unescaped there is none: UTF-8 has no such thing. */
function endOfText(bytes: Buffer, start: number): number {
  let at = start;
  for (; at < bytes.byteLength && bytes[at] !== marks.quote; at += 1) {
    if (bytes[at] !== marks.backslash) continue;
    at += 1;
    const half = surrogateAt(bytes, at);
    if (half === undefined) continue;
    const other = bytes[at + 5] === marks.backslash ? surrogateAt(bytes, at + 6) : undefined;
    if (half !== 'high' || other !== 'low') return -1;
    at += 10;
  }
  return at;
}

/** Which half the escape behind a backslash stands for, if one: `ud8…` to `udb…`, `udc…` to `udf…`. Whether all of it is hexadecimal is for JSON.parse(). */
function surrogateAt(bytes: Buffer, at: number): 'high' | 'low' | undefined {
  if (bytes[at] !== marks.u || lowerCase(bytes[at + 1]) !== marks.d) return undefined;
  const digit = lowerCase(bytes[at + 2]);
  if (digit >= marks.c && digit <= marks.f) return 'low';
  return digit === marks.a || digit === marks.b || digit === marks.eight || digit === marks.nine ? 'high' : undefined;
}

/** Digits stay what they are. */
const lowerCase = (byte = 0) => byte | 0x20;
