import { createHash, createSign, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';

/** What a test may bend, to see it refused. */
export interface AuthenticatorFaults {
  readonly origin?: string;
  readonly rpId?: string;
  readonly challenge?: string;
  readonly userVerified?: boolean;
  readonly counter?: number;
  readonly userHandle?: string;
}

interface Credential {
  readonly id: string;
  readonly privateKey: KeyObject;
  readonly userHandle: string;
  readonly rpId: string;
  counter: number;
}

interface CreationOptions {
  readonly challenge: string;
  readonly rp: { readonly id?: string };
  readonly user: { readonly id: string };
}

interface RequestOptions {
  readonly challenge: string;
  readonly rpId?: string;
}

const userPresent = 0x01;
const userVerified = 0x04;
const attested = 0x40;

const sha256 = (data: string | Uint8Array) => createHash('sha256').update(data).digest();

/** A head of CBOR (RFC 8949): major type and argument. */
function head(major: number, argument: number): Buffer {
  if (argument < 24) return Buffer.from([(major << 5) | argument]);
  if (argument < 256) return Buffer.from([(major << 5) | 24, argument]);
  return Buffer.from([(major << 5) | 25, argument >> 8, argument & 0xff]);
}

const bytes = (value: Uint8Array) => Buffer.concat([head(2, value.length), value]);
const words = (value: string) => Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)]);
const integer = (value: number) => (value < 0 ? head(1, -1 - value) : head(0, value));

/** COSE_Key of a P-256 public key (RFC 9053). */
function coseKey(key: KeyObject): Buffer {
  const jwk = key.export({ format: 'jwk' });
  const x = Buffer.from(String(jwk.x), 'base64url');
  const y = Buffer.from(String(jwk.y), 'base64url');
  const pairs: [number, Buffer][] = [
    [1, integer(2)],
    [3, integer(-7)],
    [-1, integer(1)],
    [-2, bytes(x)],
    [-3, bytes(y)],
  ];
  return Buffer.concat([head(5, pairs.length), ...pairs.flatMap(([label, value]) => [integer(label), value])]);
}

/** A passkey provider in software: ES256, discoverable credentials, attestation none. For tests only. */
export class SoftAuthenticator {
  readonly credentials: Credential[] = [];
  readonly #origin: string;

  constructor(origin: string) {
    this.#origin = origin;
  }

  /** `navigator.credentials.create()`. */
  create(options: CreationOptions, faults: AuthenticatorFaults = {}) {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const id = randomBytes(32);
    const rpId = options.rp.id ?? '';
    const credential: Credential = {
      id: id.toString('base64url'),
      privateKey,
      userHandle: options.user.id,
      rpId,
      counter: 0,
    };
    const flags = userPresent | attested | (faults.userVerified === false ? 0 : userVerified);
    const length = Buffer.from([id.length >> 8, id.length & 0xff]);
    const authData = Buffer.concat([
      this.#head(faults.rpId ?? rpId, { flags, counter: 0 }),
      Buffer.alloc(16),
      length,
      id,
      coseKey(publicKey),
    ]);
    const attestationObject = Buffer.concat([
      head(5, 3),
      words('fmt'),
      words('none'),
      words('attStmt'),
      head(5, 0),
      words('authData'),
      bytes(authData),
    ]);
    this.credentials.push(credential);
    return {
      id: credential.id,
      rawId: credential.id,
      type: 'public-key' as const,
      clientExtensionResults: {},
      response: {
        clientDataJSON: this.#clientData('webauthn.create', { challenge: options.challenge, faults }).toString(
          'base64url',
        ),
        attestationObject: attestationObject.toString('base64url'),
        transports: ['internal'],
      },
    };
  }

  /** `navigator.credentials.get()`, by the newest credential. */
  get(options: RequestOptions, faults: AuthenticatorFaults = {}) {
    const credential = this.credentials.at(-1);
    if (credential === undefined) throw new Error('no credential was created');
    credential.counter = faults.counter ?? credential.counter + 1;
    const flags = userPresent | (faults.userVerified === false ? 0 : userVerified);
    const authData = this.#head(faults.rpId ?? credential.rpId, { flags, counter: credential.counter });
    const clientData = this.#clientData('webauthn.get', { challenge: options.challenge, faults });
    const signature = createSign('sha256')
      .update(Buffer.concat([authData, sha256(clientData)]))
      .sign(credential.privateKey);
    return {
      id: credential.id,
      rawId: credential.id,
      type: 'public-key' as const,
      clientExtensionResults: {},
      response: {
        clientDataJSON: clientData.toString('base64url'),
        authenticatorData: authData.toString('base64url'),
        signature: signature.toString('base64url'),
        userHandle: faults.userHandle ?? credential.userHandle,
      },
    };
  }

  #head(rpId: string, state: { flags: number; counter: number }): Buffer {
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(state.counter);
    return Buffer.concat([sha256(rpId), Buffer.from([state.flags]), counter]);
  }

  #clientData(type: string, options: { challenge: string; faults: AuthenticatorFaults }): Buffer {
    const { challenge, faults } = options;
    const value = {
      type,
      challenge: faults.challenge ?? challenge,
      origin: faults.origin ?? this.#origin,
      crossOrigin: false,
    };
    return Buffer.from(JSON.stringify(value));
  }
}
