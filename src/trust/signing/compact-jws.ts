import { fromBase64url, toBase64url } from '#foundation/encoding';
import { SigningError } from './signing-error.ts';
import type { SigningKey } from './signing-key.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A JWS signing input (RFC 7515 section 5.1), parsed; nothing in it is verified yet. */
export interface SigningInput {
  readonly header: Readonly<Record<string, unknown>>;
  readonly payload: Readonly<Record<string, unknown>>;
}

/**
 * Reads `header.payload`; both must be JSON objects in canonical base64url. Each must also be exactly what JSON.stringify
 * writes: repeated members, which two parsers would read differently, never pass. Throws SigningError `unreadable`.
 */
export function parseSigningInput(signingInput: string): SigningInput {
  const [header, payload, ...rest] = signingInput.split('.');
  if (header === undefined || payload === undefined || rest.length > 0)
    throw new SigningError('unreadable', 'a JWS signing input is `header.payload`');
  return { header: parseObject(header, 'header'), payload: parseObject(payload, 'payload') };
}

function parseObject(encoded: string, part: string): Readonly<Record<string, unknown>> {
  const bytes = fromBase64url(encoded);
  if (bytes === undefined) throw new SigningError('unreadable', `the ${part} is not canonical base64url`);
  let text: string;
  let value: unknown;
  try {
    text = utf8.decode(bytes);
    value = JSON.parse(text);
  } catch {
    throw new SigningError('unreadable', `the ${part} is not JSON`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new SigningError('unreadable', `the ${part} is not a JSON object`);
  if (JSON.stringify(value) !== text)
    throw new SigningError('unreadable', `the ${part} has repeated members or is not written plainly`);
  return value as Record<string, unknown>;
}

/** Signs and verifies again with the public half, so that a fault in signing never leaves this process. */
export function signSigningInput(key: SigningKey, signingInput: string): string {
  const data = Buffer.from(signingInput, 'ascii');
  const signature = key.sign(data);
  if (!key.verify(data, signature)) throw new SigningError('not-authentic', 'the signature just made does not verify');
  return toBase64url(signature);
}

export interface CompactOptions {
  readonly typ: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** Builds, signs and validates a compact JWS with `alg`, `kid` and `typ` (explicit typing, RFC 8725 section 3.11). */
export function buildCompactJws(key: SigningKey, options: CompactOptions): string {
  // JSON.stringify and not canonicalJson: members keep the order they were given in, as JWT libraries write them.
  const payload = JSON.stringify(options.payload);
  const encode = (text: string) => toBase64url(Buffer.from(text, 'utf8'));
  const header = encode(JSON.stringify({ alg: key.algorithm, kid: key.keyId, typ: options.typ }));
  const signingInput = `${header}.${encode(payload)}`;
  const jws = `${signingInput}.${toBase64url(key.sign(Buffer.from(signingInput, 'ascii')))}`;
  const again = verifyCompactJws(key, { jws, typ: options.typ });
  if (JSON.stringify(again) !== payload)
    throw new SigningError('not-authentic', 'what was signed is not what was asked for');
  return jws;
}

/** Verifies a compact JWS of ours: algorithm, key id, type and signature. Gives the payload. Throws SigningError. */
export function verifyCompactJws(key: SigningKey, { jws, typ }: { jws: string; typ: string }): SigningInput['payload'] {
  const [header = '', payload = '', encoded = '', ...rest] = jws.split('.');
  const signature = fromBase64url(encoded);
  if (rest.length > 0 || signature === undefined) throw new SigningError('unreadable', 'this is not a compact JWS');
  const input = parseSigningInput(`${header}.${payload}`);
  if (input.header['alg'] !== key.algorithm || input.header['kid'] !== key.keyId || input.header['typ'] !== typ)
    throw new SigningError('refused', 'the JWS is of another key, algorithm or type');
  if (!key.verify(Buffer.from(`${header}.${payload}`, 'ascii'), signature))
    throw new SigningError('not-authentic', 'the signature does not verify');
  return input.payload;
}
