import { createDecipheriv, createSecretKey, hash, hkdfSync, type KeyObject, timingSafeEqual } from 'node:crypto';
import { type SubjectKey, secretOf } from './journal-keys.ts';
import { type PadMemory, PadStream, positionBytes, RunStream } from './pad-stream.ts';
import { QuickHmac, tagRoomBytes } from './quick-hmac.ts';
import { type RecordHeader, tagEnd, tagEndBytes } from './record-header.ts';
import {
  derive,
  deriveCipherKey,
  keyBytes,
  makeRoom,
  positionStart,
  saltBytes,
  sealBytes,
  sealMemory,
} from './seal-payload.ts';
import { payloadBytesMax } from './sealable-event.ts';

/** Subjects whose streams, and keys of records of version 1, a reader keeps at hand. */
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
export interface TaggedRecord extends Pick<LyingRecord, 'text' | 'sealed'> {
  /** As `text` names it. */
  readonly payloadHash: string;
}

/** Memory in which one header after the other is compared with its tag. */
export class TagMemory {
  readonly tagging: Buffer = Buffer.alloc(tagRoomBytes + headerBytesMax);
  readonly end: Buffer = Buffer.alloc(tagEndBytes);
}

/** Reads one stream: as it goes when payloads come in their order, else from wherever one begins. */
export class OpeningStream {
  readonly #salt: Uint8Array;
  readonly #key: KeyObject;
  readonly subject: SubjectKey;
  /** Of the first that is not known to be what was written. */
  #hmac: QuickHmac | undefined;
  #pad: PadStream | undefined;
  #run: RunStream | undefined;

  constructor(subject: SubjectKey, salt: Uint8Array) {
    this.subject = subject;
    this.#salt = Uint8Array.from(salt);
    this.#key = deriveCipherKey(subject, salt);
  }

  /** Does this salt stand in these bytes? Salts are no secret. */
  hasSalt(bytes: Buffer, at: number): boolean {
    const salt = this.#salt;
    for (let index = 0; index < saltBytes; index += 1) if (bytes[at + index] !== salt[index]) return false;
    return true;
  }

  /** Is this what was written? */
  isAuthentic({ text, sealed, payloadHash }: TaggedRecord, memory: TagMemory): boolean {
    // The tag is of the header; what stands for the payload in it must be this payload.
    return this.#isTagged(text, memory) && hash('sha256', sealed, 'base64url') === payloadHash;
  }

  /** Does this text end with the tag of all that stands before? */
  #isTagged(text: Buffer, { tagging, end }: TagMemory): boolean {
    const length = text.byteLength - tagEndBytes;
    if (length <= 0 || length > headerBytesMax) return false;
    text.copy(tagging, tagRoomBytes, 0, length);
    this.#hmac ??= new QuickHmac(derive(this.subject, this.#salt).tagKey);
    end.write(tagEnd(this.#hmac.tag(tagging, length)), 'latin1');
    return timingSafeEqual(end, text.subarray(length));
  }

  /** For who opens many payloads at a time. */
  get run(): RunStream {
    this.#run ??= new RunStream(this.#key);
    return this.#run;
  }

  /** Gives the payload in the memory, where the next one will lie. */
  open(sealed: Buffer, payload: PadMemory): Buffer {
    const length = sealed.byteLength - sealBytes;
    sealed.copy(payload.bytes, sealBytes, sealBytes);
    this.#pad ??= new PadStream(this.#key);
    this.#pad.seek(sealed.readUIntBE(positionStart, positionBytes));
    this.#pad.apply(payload, length);
    return payload.bytes.subarray(sealBytes, sealed.byteLength);
  }
}

/** Of each subject the stream it was last met with: a writer uses one after the other. */
export class MetStreams {
  readonly #streams = new Map<SubjectKey, OpeningStream>();
  readonly #streamsMax: number;

  constructor(streamsMax: number) {
    this.#streamsMax = streamsMax;
  }

  /** The stream of the payload that lies sealed in `bytes` from `at` on. */
  of(subject: SubjectKey, { bytes, at }: { bytes: Buffer; at: number }): OpeningStream {
    const known = this.#streams.get(subject);
    if (known?.hasSalt(bytes, at) === true) return known;
    // What it was met with before goes, so that it stands among the newest, as it does with the writer.
    this.#streams.delete(subject);
    makeRoom(this.#streams, this.#streamsMax);
    const stream = new OpeningStream(subject, bytes.subarray(at, at + saltBytes));
    this.#streams.set(subject, stream);
    return stream;
  }
}

/** Is this as long as what was sealed can be? */
export const isSealedLength = (length: number): boolean => length >= sealBytes && length <= sealBytes + payloadBytesMax;

/** Opens what a PayloadStream sealed. */
export class PayloadOpener {
  readonly #streams = new MetStreams(openedStreamsMax);
  readonly #older = new Map<string, KeyObject>();
  readonly #tags = new TagMemory();
  readonly #payload: PadMemory = sealMemory(payloadBytesMax);

  /** Undefined when payload and header were not sealed together with this key. */
  open({ header, text, sealed }: LyingRecord, subject: SubjectKey): string | undefined {
    if (header.v === 1) return this.#openOlder(sealed, { subject, header });
    if (!isSealedLength(sealed.byteLength)) return undefined;
    const stream = this.#streams.of(subject, { bytes: sealed, at: 0 });
    const record = { text, sealed, payloadHash: header.payload_hash };
    return stream.isAuthentic(record, this.#tags) ? stream.open(sealed, this.#payload).toString('utf8') : undefined;
  }

  #olderKey(subject: SubjectKey, salt: Buffer): KeyObject {
    const name = subject.pseudonym + salt.toString('latin1');
    let key = this.#older.get(name);
    if (key === undefined) {
      key = createSecretKey(
        Buffer.from(hkdfSync('sha256', secretOf(subject), salt, 'nullius journal payload', keyBytes)),
      );
      makeRoom(this.#older, openedStreamsMax);
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
