import {
  createDecipheriv,
  createSecretKey,
  type Decipheriv,
  hash,
  hkdfSync,
  type KeyObject,
  timingSafeEqual,
} from 'node:crypto';
import { type SubjectKey, secretOf } from './journal-keys.ts';
import { QuickHmac, tagRoomBytes } from './quick-hmac.ts';
import { type RecordHeader, taggedText } from './record-header.ts';
import {
  blockBytes,
  cipherName,
  derive,
  keyBytes,
  positionBytes,
  positionStart,
  saltBytes,
  sealBytes,
} from './seal-payload.ts';

/** Subjects whose streams a reader keeps at hand, unless told otherwise. */
const openedStreamsMax = 4096;

/** Reads one stream: as it goes when payloads come in their order, else from wherever one begins. */
class OpeningStream {
  readonly #cipherKey: KeyObject;
  readonly #hmac: QuickHmac;
  #decipher: Decipheriv | undefined;
  #position = 0;

  constructor(subject: SubjectKey, salt: Uint8Array) {
    const { cipherKey, tagKey } = derive(subject, salt);
    this.#cipherKey = cipherKey;
    this.#hmac = new QuickHmac(tagKey);
  }

  /** Is this the tag of the text? In UTF-8, so that no two texts are taken for one. */
  hasTagged(text: string, { tag, memory }: { tag: string; memory: Buffer }): boolean {
    const length = memory.write(text, tagRoomBytes, 'utf8');
    const claimed = Buffer.from(tag, 'latin1');
    const expected = Buffer.from(this.#hmac.tag(memory, length), 'latin1');
    return claimed.byteLength === expected.byteLength && timingSafeEqual(claimed, expected);
  }

  open(body: Uint8Array, position: number): string {
    if (this.#decipher === undefined || position !== this.#position) {
      const counter = Buffer.alloc(blockBytes);
      counter.writeUIntBE(Math.floor(position / blockBytes), blockBytes - positionBytes, positionBytes);
      this.#decipher = createDecipheriv(cipherName, this.#cipherKey, counter);
      // What ciphers the end of the payload before, in the same block.
      this.#decipher.update(Buffer.alloc(position % blockBytes));
    }
    this.#position = position + body.byteLength;
    return this.#decipher.update(body).toString('utf8');
  }
}

/** Opens what a PayloadStream sealed. */
export class PayloadOpener {
  readonly #streams = new Map<string, OpeningStream>();
  readonly #older = new Map<string, KeyObject>();
  readonly #keysMax: number;
  /** A header is far shorter; of one that is not, a part is tagged, and that never fits. */
  readonly #memory = Buffer.alloc(tagRoomBytes + 2048);

  /** `keysMax`: derived keys at hand; more than usual for who reads everybody's records. */
  constructor({ keysMax = openedStreamsMax }: { keysMax?: number } = {}) {
    this.#keysMax = keysMax;
  }

  #kept<T>(known: Map<string, T>, { subject, salt, make }: { subject: SubjectKey; salt: Buffer; make: () => T }): T {
    const name = `${subject.pseudonym} ${salt.toString('latin1')}`;
    let kept = known.get(name);
    if (kept === undefined) {
      kept = make();
      if (known.size >= this.#keysMax) known.clear();
      known.set(name, kept);
    }
    return kept;
  }

  /** Undefined when payload and header were not sealed together with this key. */
  open(sealed: Buffer, { subject, header }: { subject: SubjectKey; header: RecordHeader }): string | undefined {
    if (header.v === 1) return this.#openOlder(sealed, { subject, header });
    if (sealed.byteLength < sealBytes) return undefined;
    const salt = sealed.subarray(0, saltBytes);
    const stream = this.#kept(this.#streams, { subject, salt, make: () => new OpeningStream(subject, salt) });
    const memory = this.#memory;
    if (!stream.hasTagged(taggedText(header), { tag: String(header.writer_tag), memory })) return undefined;
    // The tag is of the header; what stands for the payload in it must be this payload.
    if (hash('sha256', sealed, 'base64url') !== header.payload_hash) return undefined;
    return stream.open(sealed.subarray(sealBytes), sealed.readUIntBE(positionStart, positionBytes));
  }

  /** Records of version 1: salt || nonce || ciphertext || tag, AES-256-GCM with writer, seq and id as associated data. */
  #openOlder(
    sealed: Buffer,
    { subject, header }: { subject: SubjectKey; header: Pick<RecordHeader, 'writer' | 'seq' | 'id'> },
  ): string | undefined {
    const nonceBytes = 12;
    const tagBytes = 16;
    const bodyStart = saltBytes + nonceBytes;
    if (sealed.byteLength < bodyStart + tagBytes) return undefined;
    const salt = sealed.subarray(0, saltBytes);
    const make = () =>
      createSecretKey(Buffer.from(hkdfSync('sha256', secretOf(subject), salt, 'nullius journal payload', keyBytes)));
    const key = this.#kept(this.#older, { subject, salt, make });
    const bodyEnd = sealed.byteLength - tagBytes;
    const nonce = sealed.subarray(saltBytes, bodyStart);
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
    decipher.setAAD(Buffer.from(`nullius-journal-1\0${header.writer}\0${header.seq}\0${header.id}`, 'latin1'));
    decipher.setAuthTag(sealed.subarray(bodyEnd));
    try {
      const text = decipher.update(sealed.subarray(bodyStart, bodyEnd), undefined, 'utf8');
      return text + decipher.final('utf8');
    } catch {
      return undefined;
    }
  }
}
