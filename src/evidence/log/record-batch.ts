import { hash } from 'node:crypto';
import { frameOverheadBytes, leafHashInPlace, textBytesMax, writeFrame } from './frame.ts';
import { checkPayload, type SealableEvent } from './journal.ts';
import type { CompactRange } from './merkle-tree.ts';
import { checkHeaderFields, type RecordHeader, writeHeader } from './record-header.ts';
import { nonceBytes, type PayloadSealer } from './seal-payload.ts';
import { entryBytes, writeIndexEntry } from './segment-index.ts';

const startBytes = 64 * 1024;

/** Seals and hashes events into one run of bytes for a single write. */
export class RecordBatch {
  readonly #writer: string;
  readonly #sealer: PayloadSealer;
  readonly #random: (byteCount: number) => Uint8Array;
  readonly #offset: number;
  readonly range: CompactRange;
  #frames: Buffer = Buffer.allocUnsafe(startBytes);
  #framesEnd = 0;
  #entries: Buffer = Buffer.allocUnsafe(64 * entryBytes);
  #entriesEnd = 0;
  timeMin = Number.MAX_SAFE_INTEGER;
  timeMax = 0;

  /** `range` is the tree so far (it grows with the batch), `offset` where in the segment the bytes will lie. */
  constructor(place: {
    writer: string;
    range: CompactRange;
    offset: number;
    sealer: PayloadSealer;
    random: (byteCount: number) => Uint8Array;
  }) {
    this.#writer = place.writer;
    this.range = place.range;
    this.#offset = place.offset;
    this.#sealer = place.sealer;
    this.#random = place.random;
  }

  get frames(): Buffer {
    return this.#frames.subarray(0, this.#framesEnd);
  }

  get entries(): Buffer {
    return this.#entries.subarray(0, this.#entriesEnd);
  }

  /** Throws LogError `invalid` when the event cannot be a record. */
  add({ fields, payload, subject }: SealableEvent): void {
    checkHeaderFields(fields);
    checkPayload(fields.id, payload);
    const seq = this.range.size;
    const place = { writer: this.#writer, seq, id: fields.id };
    const sealed = this.#sealer.seal(payload, { subject, nonce: this.#random(nonceBytes), place });
    const header: RecordHeader = {
      ...fields,
      payload_hash: hash('sha256', sealed, 'base64url'),
      seq,
      subject: subject.pseudonym,
      v: 1,
      writer: this.#writer,
    };
    const text = writeHeader(header);
    const offset = this.#framesEnd;
    this.#frames = grown(this.#frames, offset + frameOverheadBytes + textBytesMax + sealed.byteLength);
    this.#framesEnd = writeFrame(this.#frames, { offset, kind: 'record', text, rest: sealed });
    const textStart = offset + frameOverheadBytes;
    this.range.append(leafHashInPlace(this.#frames.subarray(textStart, textStart + text.length)));
    this.#entries = grown(this.#entries, this.#entriesEnd + entryBytes);
    writeIndexEntry(this.#entries, { at: this.#entriesEnd, header, offset: this.#offset + offset });
    this.#entriesEnd += entryBytes;
    this.timeMin = Math.min(this.timeMin, header.time);
    this.timeMax = Math.max(this.timeMax, header.time);
  }
}

/** Gives a buffer of at least `bytes`, with the same beginning. */
function grown(buffer: Buffer, bytes: number): Buffer {
  if (buffer.byteLength >= bytes) return buffer;
  const larger = Buffer.allocUnsafe(Math.max(bytes, buffer.byteLength * 2));
  buffer.copy(larger);
  return larger;
}
