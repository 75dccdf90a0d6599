import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import type { JWK } from 'jose';
import { ExternalSigningKey } from 'oidc-provider';
import { fromBase64url } from '#foundation/encoding';
import { IdentityError } from '../identity-error.ts';

/** Signs a JWS signing input (`header.payload`) elsewhere; gives the signature in base64url. */
export type SignToken = (request: { signingInput: string; keyId: string }) => Promise<{ signature: string }>;

/** A token key whose private half lives in the signer process: here is only its public half and the way to ask. */
export class SignerKey extends ExternalSigningKey {
  readonly #key: KeyObject;
  readonly #keyId: string;
  readonly #sign: SignToken;

  constructor(jwk: JWK, sign: SignToken) {
    super();
    if (jwk.kid === undefined || jwk.d !== undefined) {
      throw new IdentityError('unavailable', 'the signer must give public token keys with a key id');
    }
    this.#key = createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' });
    this.#keyId = jwk.kid;
    this.#sign = sign;
  }

  override get kid(): string {
    return this.#keyId;
  }

  override get alg(): string {
    return 'ES256';
  }

  override keyObject(): KeyObject {
    return this.#key;
  }

  override async sign(data: Buffer): Promise<Uint8Array> {
    const { signature } = await this.#sign({ signingInput: data.toString('utf8'), keyId: this.#keyId });
    const bytes = fromBase64url(signature);
    if (bytes === undefined) throw new IdentityError('unavailable', 'the signer gave something that is no signature');
    return bytes;
  }
}
