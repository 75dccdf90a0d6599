import { createDecipheriv, createSecretKey, hash, hkdfSync, type KeyObject, timingSafeEqual } from 'node:crypto';
import { type SubjectKey, secretOf } from './journal-keys.ts';
import { type PadMemory, PadStream, positionBytes } from './pad-stream.ts';
import { QuickHmac, tagRoomBytes } from './quick-hmac.ts';
import { type RecordHeader, tagEnd, tagEndBytes } from './record-header.ts';
import { derive, keyBytes, makeRoom, positionStart, saltBytes, sealBytes, sealMemory } from './seal-payload.ts';
import { payloadBytesMax } from './sealable-event.ts';

/** Subjects whose streams, and keys of records of version 1, a reader keeps at hand, unless told otherwise. */
const openedStreamsMax = 4096;
/** Bytes of a header at most; of one that is longer a part is tagged, and that never fits. */
const headerBytesMax = 2048;

/** A record as it lies in a segment. */
export interface LyingRecord {
  /** What `text` says. */
  readonly header: RecordHeader;
  /** The bytes of the header. */
  readonly text: Buffer;
  readonly sealed: Buffer;
}

/** A record of version 2 whose header is not parsed. */
interface TaggedRecord extends Pick<LyingRecord, 'text' | 'sealed'> {
  /** As `text` names it. */
  readonly payloadHash: string;
}

/** Memory for one record at a time. */
class OpenMemory {
  readonly payload: PadMemory = sealMemory(payloadBytesMax);
  readonly tagging: Buffer = Buffer.alloc(tagRoomBytes + headerBytesMax);
  readonly end: Buffer = Buffer.alloc(tagEndBytes);
}

/** Reads one stream: as it goes when payloads come in their order, else from wherever one begins. */
class OpeningStream {
  readonly #salt: Uint8Array;
  readonly #pad: PadStream;
  readonly #hmac: QuickHmac;

  constructor(subject: SubjectKey, { salt, firstBytes }: { salt: Uint8Array; firstBytes: number | undefined }) {
    const { cipherKey, tagKey } = derive(subject, salt);
    this.#salt = Uint8Array.from(salt);
    this.#pad = new PadStream(cipherKey, firstBytes === undefined ? {} : { firstBytes });
    this.#hmac = new QuickHmac(tagKey);
  }

  hasSalt(sealed: Buffer): boolean {
    return sealed.compare(this.#salt, 0, saltBytes, 0, saltBytes) === 0;
  }

  /** Does this text end with the tag of all that stands before? */
  isTagged(text: Buffer, { tagging, end }: OpenMemory): boolean {
    const length = text.byteLength - tagEndBytes;
    if (length <= 0 || length > headerBytesMax) return false;
    text.copy(tagging, tagRoomBytes, 0, length);
    end.write(tagEnd(this.#hmac.tag(tagging, length)), 'latin1');
    return timingSafeEqual(end, text.subarray(length));
  }

  /** Gives the payload in the memory, where the next one will lie. */
  open(sealed: Buffer, { payload }: OpenMemory): Buffer {
    const length = sealed.byteLength - sealBytes;
    sealed.copy(payload.bytes, sealBytes, sealBytes);
    this.#pad.seek(sealed.readUIntBE(positionStart, positionBytes));
    this.#pad.apply(payload, length);
    return payload.bytes.subarray(sealBytes, sealed.byteLength);
  }
}

/** Opens what a PayloadStream sealed. */
export class PayloadOpener {
  /** Of each subject the stream it was last met with: a writer uses one after the other. */
  readonly #streams = new Map<SubjectKey, OpeningStream>();
  readonly #older = new Map<string, KeyObject>();
  readonly #streamsMax: number;
  readonly #firstBytes: number | undefined;
  readonly #memory = new OpenMemory();

  /** See PadStream for `firstBytes`. */
  constructor({ streamsMax = openedStreamsMax, firstBytes }: { streamsMax?: number; firstBytes?: number } = {}) {
    this.#streamsMax = streamsMax;
    this.#firstBytes = firstBytes;
  }

  #stream(subject: SubjectKey, sealed: Buffer): OpeningStream {
    const known = this.#streams.get(subject);
    if (known?.hasSalt(sealed) === true) return known;
    // What it was met with before goes, so that it stands among the newest, as it does with the writer.
    this.#streams.delete(subject);
    makeRoom(this.#streams, this.#streamsMax);
    const stream = new OpeningStream(subject, { salt: sealed.subarray(0, saltBytes), firstBytes: this.#firstBytes });
    this.#streams.set(subject, stream);
    return stream;
  }

  /** Undefined when payload and header were not sealed together with this key. */
  open({ header, text, sealed }: LyingRecord, subject: SubjectKey): string | undefined {
    if (header.v === 1) return this.#openOlder(sealed, { subject, header });
    return this.#openTagged({ text, sealed, payloadHash: header.payload_hash }, subject)?.toString('utf8');
  }

  /** Lays the payload open where it lies sealed, from `sealBytes` on. False: it does not open, and nothing is changed. */
  openInPlace(record: TaggedRecord, subject: SubjectKey): boolean {
    const payload = this.#openTagged(record, subject);
    payload?.copy(record.sealed, sealBytes);
    return payload !== undefined;
  }

  #openTagged({ text, sealed, payloadHash }: TaggedRecord, subject: SubjectKey): Buffer | undefined {
    if (sealed.byteLength < sealBytes || sealed.byteLength > sealBytes + payloadBytesMax) return undefined;
    const stream = this.#stream(subject, sealed);
    if (!stream.isTagged(text, this.#memory)) return undefined;
    // The tag is of the header; what stands for the payload in it must be this payload.
    if (hash('sha256', sealed, 'base64url') !== payloadHash) return undefined;
    return stream.open(sealed, this.#memory);
  }

  #olderKey(subject: SubjectKey, salt: Buffer): KeyObject {
    const name = subject.pseudonym + salt.toString('latin1');
    let key = this.#older.get(name);
    if (key === undefined) {
      key = createSecretKey(
        Buffer.from(hkdfSync('sha256', secretOf(subject), salt, 'nullius journal payload', keyBytes)),
      );
      makeRoom(this.#older, this.#streamsMax);
      this.#older.set(name, key);
    }
    return key;
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
    const key = this.#olderKey(subject, salt);
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
