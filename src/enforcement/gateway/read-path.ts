import { segmentsMax, targetBytesMax } from './limits.ts';
import { type Refusal, refuse } from './refusal.ts';

/**
 * A request path with exactly one reading. `target` is forwarded byte for byte, and it is the text that was parsed:
 * nothing is decoded, joined or encoded again on the way, so the judged path cannot differ from the forwarded one.
 */
export interface ParsedPath {
  /** Origin-form target as received and as forwarded: path and query. */
  readonly target: string;
  /** Percent-decoded segments. The last is empty when the path ends with a slash; `/` is one empty segment. */
  readonly segments: readonly string[];
  /** Decoded path for policies and people. A slash that was encoded inside a segment stays `%2F`. */
  readonly path: string;
  /** Raw query with its question mark, or empty. */
  readonly query: string;
  /** Does a segment hold an encoded slash? Only routes that say `encodedSlash` may take it. */
  readonly hasEncodedSlash: boolean;
}

const badPath = [400, 'bad-path'] as const;
const slash = 0x2f;
const percent = 0x25;
const question = 0x3f;

/** 1 = may stand in a path as it is, 2 = also in a query only. Index is the byte. */
const allowed = new Uint8Array(256);
for (const char of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,=:@/%[]|^{}") {
  allowed[char.charCodeAt(0)] = 1;
}
for (let code = 0x21; code <= 0x7e; code++) if (allowed[code] === 0 && code !== 0x23) allowed[code] = 2;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Parses an origin-form target (attacker-controlled), RFC 9112 3.2.1. Refused: what two parsers may read differently:
 * backslashes, control bytes, non-UTF-8, dot segments, encoded dots and backslashes, double encoding, empty segments,
 * path parameters, fragments.
 */
export function readPath(target: string): ParsedPath | Refusal {
  if (target.length > targetBytesMax)
    return refuse([414, 'uri-too-long'], `The URL is longer than ${targetBytesMax} bytes.`);
  if (target.charCodeAt(0) !== slash) return refuse(badPath, 'The request target must be a path that starts with `/`.');
  let pathEnd = target.length;
  let encoded = false;
  let segmentCount = 1;
  for (let at = 1; at < target.length; at++) {
    const code = target.charCodeAt(at);
    if (code === question) {
      pathEnd = at;
      break;
    }
    if (code > 0xff || allowed[code] !== 1) return refuseByte(code);
    if (code === percent) encoded = true;
    else if (code === slash) {
      if (target.charCodeAt(at - 1) === slash) return refuse(badPath, 'The path has an empty segment (`//`).');
      segmentCount++;
    }
  }
  for (let at = pathEnd + 1; at < target.length; at++) {
    const code = target.charCodeAt(at);
    if (code > 0xff || allowed[code] === 0) {
      return refuse([400, 'bad-query'], 'The query has a byte that must be percent-encoded.');
    }
  }
  if (segmentCount > segmentsMax) return refuse(badPath, `The path has more than ${segmentsMax} segments.`);
  return split(target, { pathEnd, encoded });
}

function refuseByte(code: number): Refusal {
  if (code === 0x5c) return refuse(badPath, 'The path has a backslash.');
  if (code === 0x3b) return refuse(badPath, 'The path has a parameter (`;`).');
  if (code === 0x23) return refuse(badPath, 'The request target has a fragment (`#`).');
  return refuse(badPath, 'The path has a byte that must be percent-encoded.');
}

function split(target: string, { pathEnd, encoded }: { pathEnd: number; encoded: boolean }): ParsedPath | Refusal {
  const rawPath = pathEnd === target.length ? target : target.slice(0, pathEnd);
  const query = pathEnd === target.length ? '' : target.slice(pathEnd);
  const segments = rawPath.slice(1).split('/');
  let hasEncodedSlash = false;
  for (let index = 0; index < segments.length; index++) {
    const raw = segments[index] ?? '';
    if (!encoded || !raw.includes('%')) {
      if (raw === '.' || raw === '..') return refuse(badPath, 'The path has a dot segment.');
      continue;
    }
    const decoded = decodeSegment(raw);
    if (typeof decoded !== 'string') return decoded;
    if (decoded.includes('/')) hasEncodedSlash = true;
    segments[index] = decoded;
  }
  const path = encoded ? `/${segments.map((segment) => segment.replaceAll('/', '%2F')).join('/')}` : rawPath;
  return { target, segments, path, query, hasEncodedSlash };
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

function decodeSegment(raw: string): string | Refusal {
  const bytes = new Uint8Array(raw.length);
  let length = 0;
  for (let at = 0; at < raw.length; at++) {
    const code = raw.charCodeAt(at);
    if (code !== percent) {
      bytes[length++] = code;
      continue;
    }
    const high = hexDigit(raw.charCodeAt(at + 1));
    const low = hexDigit(raw.charCodeAt(at + 2));
    if (at + 2 >= raw.length || high < 0 || low < 0)
      return refuse(badPath, 'The path has a `%` without two hex digits.');
    const byte = high * 16 + low;
    if (byte < 0x20 || byte === 0x7f) return refuse(badPath, 'The path has an encoded control byte.');
    if (byte === 0x5c) return refuse(badPath, 'The path has an encoded backslash.');
    if (byte === 0x2e) return refuse(badPath, 'The path has an encoded dot.');
    bytes[length++] = byte;
    at += 2;
  }
  for (let at = 0; at + 2 < length; at++) {
    if (bytes[at] === percent && hexDigit(bytes[at + 1] ?? 0) >= 0 && hexDigit(bytes[at + 2] ?? 0) >= 0) {
      return refuse(badPath, 'The path is percent-encoded twice.');
    }
  }
  return checkDecoded(bytes.subarray(0, length));
}

function checkDecoded(bytes: Uint8Array): string | Refusal {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    return refuse(badPath, 'The path is not valid UTF-8.');
  }
  for (const part of text.split('/')) {
    // Some file systems drop trailing spaces, so `.. ` would be a dot segment to them.
    const trimmed = part.trimEnd();
    if (trimmed === '.' || trimmed === '..') return refuse(badPath, 'The path has a dot segment.');
    if (part === '') return refuse(badPath, 'The path has an empty segment.');
  }
  // C1 controls and the separators U+2028/9 would split lines in logs.
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if ((code >= 0x80 && code <= 0x9f) || code === 0x2028 || code === 0x2029) {
      return refuse(badPath, 'The path has an encoded control character.');
    }
  }
  return text;
}
