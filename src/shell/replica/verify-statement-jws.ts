import { type CryptoKey, compactVerify, importJWK, type JWK, type KeyObject } from 'jose';
import { fromBase64url } from '#foundation/encoding';
import { ReplicaError } from './replica-error.ts';

const statementCharactersMax = 4_194_304;
const algorithms = ['Ed25519', 'ES256'];

/**
 * Verifies a statement of the signer (attacker-controlled until then): canonical base64url, a key chosen by `kid`, that key's
 * algorithm, the expected type. Gives the JSON payload. Throws ReplicaError `not-authentic`.
 */
export async function verifyStatementJws(
  jws: string,
  { keys, type }: { keys: readonly JWK[]; type: string },
): Promise<unknown> {
  if (jws.length > statementCharactersMax) throw notAuthentic('the statement is too long');
  const parts = jws.split('.');
  // jose decodes leniently; a statement must have one spelling only.
  if (parts.length !== 3 || parts.some((part) => part === '' || fromBase64url(part) === undefined)) {
    throw notAuthentic('the statement is not a compact JWS');
  }
  try {
    const { payload, protectedHeader } = await compactVerify(jws, (header) => signerKey(header.kid, header.alg, keys), {
      algorithms,
    });
    if (protectedHeader.typ !== type) throw notAuthentic('the statement is of another type');
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  } catch (error) {
    if (error instanceof ReplicaError) throw error;
    throw notAuthentic('the statement does not verify under a key of the signer', error);
  }
}

async function signerKey(kid: string | undefined, alg: string, keys: readonly JWK[]): Promise<CryptoKey | KeyObject> {
  const jwk = keys.find((key) => key.kid !== undefined && key.kid === kid);
  if (jwk === undefined || jwk.alg !== alg) throw notAuthentic('the statement names no key of the signer');
  const key = await importJWK(jwk, alg);
  if (key instanceof Uint8Array) throw notAuthentic('the statement names no public key of the signer');
  return key;
}

function notAuthentic(message: string, cause?: unknown): ReplicaError {
  return new ReplicaError('not-authentic', message, { cause });
}
