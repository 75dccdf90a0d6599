import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import type { JWK } from 'jose';
import { fromBase64url } from '#foundation/encoding';
import { ReplicaError } from './replica-error.ts';

const statementCharactersMax = 4_194_304;

/** What an algorithm (RFC 7518, RFC 9864) asks of its key, and how its signatures are verified. */
const algorithms: Readonly<
  Record<string, { readonly kty: string; readonly crv: string; readonly digest: string | null }>
> = {
  Ed25519: { kty: 'OKP', crv: 'Ed25519', digest: null },
  ES256: { kty: 'EC', crv: 'P-256', digest: 'sha256' },
};

/**
 * Verifies a statement of the signer (attacker-controlled until then), a compact JWS, RFC 7515: canonical base64url, a header of
 * `alg`, `kid` and `typ` alone, a key chosen by `kid`, that key's algorithm, the expected type. Gives the JSON payload. Throws
 * ReplicaError `not-authentic`.
 */
export function verifyStatementJws(jws: string, { keys, type }: { keys: readonly JWK[]; type: string }): unknown {
  if (jws.length > statementCharactersMax) throw notAuthentic('the statement is too long');
  const [header, payload, signature, ...more] = jws.split('.', 4).map(decode);
  if (header === undefined || payload === undefined || signature === undefined || more.length > 0) {
    throw notAuthentic('the statement is not a compact JWS');
  }
  const { alg, kid, typ, ...rest } = readObject(header);
  // `crit` is among what is not understood, and so refused, RFC 7515 section 4.1.11.
  if (Object.keys(rest).length > 0) throw notAuthentic('the statement has a header that is not agreed');
  if (typ !== type) throw notAuthentic('the statement is of another type');
  const { key, digest } = signerKey(keys, { kid, alg });
  const signingInput = Buffer.from(jws.slice(0, jws.lastIndexOf('.')), 'latin1');
  if (!verify(digest, signingInput, { key, dsaEncoding: 'ieee-p1363' }, signature)) {
    throw notAuthentic('the statement does not verify under a key of the signer');
  }
  return readJson(payload);
}

/** One spelling only: what is not canonical base64url, or empty, is nothing. */
function decode(part: string): Uint8Array | undefined {
  return part === '' ? undefined : fromBase64url(part);
}

function signerKey(
  keys: readonly JWK[],
  { kid, alg }: { kid: unknown; alg: unknown },
): { key: KeyObject; digest: string | null } {
  const jwk = keys.find((each) => each.kid !== undefined && each.kid === kid);
  const algorithm = typeof alg === 'string' && Object.hasOwn(algorithms, alg) ? algorithms[alg] : undefined;
  if (jwk === undefined || algorithm === undefined || jwk.alg !== alg) {
    throw notAuthentic('the statement names no key of the signer');
  }
  const { kty, crv, digest } = algorithm;
  if (jwk.kty !== kty || jwk.crv !== crv) throw notAuthentic('a key of the signer is not one of its algorithm');
  const { x, y } = jwk;
  try {
    // The public members alone, whatever else stands beside them.
    const key = createPublicKey({ format: 'jwk', key: { kty, crv, x: x ?? '', ...(y === undefined ? {} : { y }) } });
    return { key, digest };
  } catch (cause) {
    throw notAuthentic('a key of the signer cannot be read', cause);
  }
}

function readJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw notAuthentic('the statement is not JSON', cause);
  }
}

function readObject(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  const value = readJson(bytes);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw notAuthentic('the header of the statement is not an object');
}

function notAuthentic(message: string, cause?: unknown): ReplicaError {
  return new ReplicaError('not-authentic', message, { cause });
}
