import { tagRoomBytes } from './quick-hmac.ts';
import { type TaggedHeader, tagEnd, tagEndBytes, taggedText } from './record-header.ts';
import type { PayloadStream } from './seal-payload.ts';
import { sha256 } from './sha256.ts';

/** Longer than any header: its texts have a longest length each. */
const headerBytesMax = 2048;
const tagBytes = 43;
const closeBytes = 2;
const zero = 0x30;

type Header = Omit<TaggedHeader, 'writer_tag'>;

/**
 * Lays down one header after the other in the same memory. Most differ from the one before in a few places of known length: to write only
 * those costs less than half of putting the text together. A test compares it with writeHeader().
 */
export class HeaderMemory {
  readonly #bytes = Buffer.alloc(tagRoomBytes + headerBytesMax);
  /** What lies there, until the first it is like nothing. */
  #last: Header | undefined;
  /** Of the last header's numbers without their last three digits; NaN for one that has not so many. */
  #seqs = Number.NaN;
  #times = Number.NaN;
  #activityAt = 0;
  #idAt = 0;
  #payloadHashAt = 0;
  #seqEnd = 0;
  #severityAt = 0;
  #statusAt = 0;
  #subjectAt = 0;
  #timeEnd = 0;
  /** Bytes up to the tag's member. */
  #taggedBytes = 0;
  #text: Buffer = this.#bytes;
  #leafInput: Buffer = this.#bytes;

  /** Gives the header's text with its tag; good until the next one is laid. Its members were checked. */
  lay(header: Header, stream: Pick<PayloadStream, 'tag'>): Buffer {
    const seq = header.seq - this.#seqs;
    const time = header.time - this.#times;
    if (seq >= 0 && seq < 1000 && time >= 0 && time < 1000 && isLike(header, this.#last)) {
      const bytes = this.#bytes;
      bytes[this.#activityAt] = zero + header.activity_id;
      bytes.write(header.id, this.#idAt, 'latin1');
      bytes.write(header.payload_hash, this.#payloadHashAt, 'latin1');
      bytes.write(header.subject, this.#subjectAt, 'latin1');
      writeThreeDigits(bytes, seq, this.#seqEnd);
      bytes[this.#severityAt] = zero + header.severity_id;
      bytes[this.#statusAt] = zero + header.status_id;
      writeThreeDigits(bytes, time, this.#timeEnd);
    } else {
      this.#layWhole(header);
    }
    const tag = stream.tag(this.#bytes, this.#taggedBytes);
    this.#text.write(tag, this.#text.byteLength - closeBytes - tagBytes, 'latin1');
    return this.#text;
  }

  /** Hash of the text as a leaf, RFC 9162 section 2.1.1. */
  leaf(): Buffer {
    this.#bytes[tagRoomBytes - 1] = 0x00;
    return sha256(this.#leafInput);
  }

  #layWhole(header: Header): void {
    const text = taggedText(header);
    const behind = (words: string) => tagRoomBytes + text.indexOf(words) + words.length;
    this.#last = header;
    this.#seqs = thousandsOf(header.seq);
    this.#times = thousandsOf(header.time);
    this.#activityAt = behind('"activity_id":');
    this.#idAt = behind('"id":"');
    this.#payloadHashAt = behind('"payload_hash":"');
    this.#seqEnd = behind('"seq":') + String(header.seq).length;
    this.#severityAt = behind('"severity_id":');
    this.#statusAt = behind('"status_id":');
    this.#subjectAt = behind('"subject":"');
    this.#timeEnd = behind('"time":') + String(header.time).length;
    this.#taggedBytes = text.length;
    this.#bytes.write(text + tagEnd('-'.repeat(tagBytes)), tagRoomBytes, 'latin1');
    const end = tagRoomBytes + text.length + tagEndBytes;
    this.#text = this.#bytes.subarray(tagRoomBytes, end);
    this.#leafInput = this.#bytes.subarray(tagRoomBytes - 1, end);
  }
}

/** Do two headers differ in nothing but what is written anew, and that in no length? */
function isLike(header: Header, last: Header | undefined): boolean {
  return (
    last !== undefined &&
    areDigits(header.activity_id, last.activity_id) &&
    areDigits(header.severity_id, last.severity_id) &&
    areDigits(header.status_id, last.status_id) &&
    header.class_uid === last.class_uid &&
    header.fact_revision === last.fact_revision &&
    header.policy_sequence === last.policy_sequence &&
    header.writer === last.writer &&
    header.id.length === last.id.length &&
    header.subject.length === last.subject.length
  );
}

const areDigits = (one: number, other: number): boolean => one < 10 && other < 10;

const thousandsOf = (value: number): number => (value < 1000 ? Number.NaN : value - (value % 1000));

function writeThreeDigits(bytes: Buffer, value: number, end: number): void {
  const tens = Math.floor(value / 10);
  const hundreds = Math.floor(value / 100);
  bytes[end - 3] = zero + hundreds;
  bytes[end - 2] = zero + (tens - 10 * hundreds);
  bytes[end - 1] = zero + (value - 10 * tens);
}
