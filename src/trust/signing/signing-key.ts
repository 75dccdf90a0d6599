import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { sha256Base64url } from '#foundation/crypto';
import { canonicalJson } from '#foundation/encoding';
import { derSignature, rawSignature } from './raw-signature.ts';

/** Names of RFC 7518 (ES256) and RFC 9864 (Ed25519). */
export type SignatureAlgorithm = 'ES256' | 'Ed25519';

/** Public half of a signing key as it stands in a JWK set, RFC 7517. */
export interface PublicJwk {
  readonly kty: 'EC' | 'OKP';
  readonly crv: 'P-256' | 'Ed25519';
  readonly x: string;
  readonly y?: string;
  readonly kid: string;
  readonly alg: SignatureAlgorithm;
  readonly use: 'sig';
}

export interface SigningKey {
  /** JWK thumbprint, RFC 7638. */
  readonly keyId: string;
  readonly algorithm: SignatureAlgorithm;
  readonly publicJwk: PublicJwk;
  sign(data: Uint8Array): Uint8Array;
  verify(data: Uint8Array, signature: Uint8Array): boolean;
  /** The private key as PKCS#8 DER, to be wrapped. */
  exportPrivate(): Uint8Array;
}

/** A fresh key. */
export function generateSigningKey(algorithm: SignatureAlgorithm): SigningKey {
  const { privateKey } =
    algorithm === 'ES256' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('ed25519');
  return signingKeyOf(privateKey, algorithm);
}

/** A key that was exported before. Throws when the bytes are not a PKCS#8 key of that algorithm. */
export function importSigningKey(pkcs8: Uint8Array, algorithm: SignatureAlgorithm): SigningKey {
  const key = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' });
  return signingKeyOf(key, algorithm);
}

/** How signatures are made, and verified, in the form that JWS asks for. */
const forms: Record<
  SignatureAlgorithm,
  {
    sign(data: Uint8Array, privateKey: KeyObject): Uint8Array;
    verify(data: Uint8Array, by: { publicKey: KeyObject; signature: Uint8Array }): boolean;
  }
> = {
  ES256: {
    sign: (data, privateKey) => rawSignature(sign('sha256', data, privateKey)),
    verify: (data, { publicKey, signature }) => {
      const der = derSignature(signature);
      return der !== undefined && verify('sha256', data, publicKey, der);
    },
  },
  Ed25519: {
    sign: (data, privateKey) => sign(null, data, privateKey),
    verify: (data, { publicKey, signature }) => verify(null, data, publicKey, signature),
  },
};

function signingKeyOf(privateKey: KeyObject, algorithm: SignatureAlgorithm): SigningKey {
  const publicKey = createPublicKey(privateKey);
  const publicJwk = publicJwkOf(publicKey, algorithm);
  const form = forms[algorithm];
  return {
    keyId: publicJwk.kid,
    algorithm,
    publicJwk,
    sign: (data) => form.sign(data, privateKey),
    verify: (data, signature) => form.verify(data, { publicKey, signature }),
    exportPrivate: () => privateKey.export({ format: 'der', type: 'pkcs8' }),
  };
}

function publicJwkOf(publicKey: KeyObject, algorithm: SignatureAlgorithm): PublicJwk {
  const { kty, crv, x, y } = publicKey.export({ format: 'jwk' });
  if (algorithm === 'ES256' && kty === 'EC' && crv === 'P-256' && x !== undefined && y !== undefined) {
    const kid = sha256Base64url(canonicalJson({ crv, kty, x, y }));
    return { kty, crv, x, y, kid, alg: algorithm, use: 'sig' };
  }
  if (algorithm === 'Ed25519' && kty === 'OKP' && crv === 'Ed25519' && x !== undefined) {
    const kid = sha256Base64url(canonicalJson({ crv, kty, x }));
    return { kty, crv, x, kid, alg: algorithm, use: 'sig' };
  }
  throw new TypeError(`the key is not a key for ${algorithm}`);
}
