import { hash } from 'node:crypto';
import { frameOverheadBytes, textBytesMax, writeFrame } from './frame.ts';
import { HeaderMemory } from './header-memory.ts';
import type { CompactRange } from './merkle-tree.ts';
import type { PadMemory } from './pad-stream.ts';
import { checkHeaderFields } from './record-header.ts';
import { type PayloadSealer, sealMemory } from './seal-payload.ts';
import { checkPayload, payloadBytesMax, type SealableEvent } from './sealable-event.ts';
import { entryBytes, writeIndexEntry } from './segment-index.ts';

const startBytes = 256 * 1024;
/** A batch may need more memory than this, but it is not kept for the next one. */
const keptBytesMax = 4 * 1024 * 1024;

/** Memory for building batches, one batch at a time: what one used, the next overwrites. */
export class BatchMemory {
  frames: Buffer = Buffer.alloc(startBytes);
  entries: Buffer = Buffer.alloc(256 * entryBytes);
  /** Room for the largest sealed payload. */
  readonly sealing: PadMemory = sealMemory(payloadBytesMax);
  readonly header: HeaderMemory = new HeaderMemory();

  /** Gives the memory of an unusually large batch back. */
  shrink(): void {
    if (this.frames.byteLength > keptBytesMax) this.frames = Buffer.alloc(startBytes);
  }
}

/** Seals and hashes events into one run of bytes for a single write. */
export class RecordBatch {
  readonly #writer: string;
  readonly #sealer: PayloadSealer;
  readonly #offset: number;
  readonly #memory: BatchMemory;
  readonly range: CompactRange;
  #framesEnd = 0;
  #entriesEnd = 0;
  timeMin = Number.MAX_SAFE_INTEGER;
  timeMax = 0;

  /** `range` is the tree so far (it grows with the batch), `offset` where in the segment the bytes will lie. */
  constructor(place: {
    writer: string;
    range: CompactRange;
    offset: number;
    sealer: PayloadSealer;
    memory: BatchMemory;
  }) {
    this.#writer = place.writer;
    this.range = place.range;
    this.#offset = place.offset;
    this.#sealer = place.sealer;
    this.#memory = place.memory;
  }

  /** Good until another batch is built in the same memory. */
  get frames(): Buffer {
    return this.#memory.frames.subarray(0, this.#framesEnd);
  }

  get entries(): Buffer {
    return this.#memory.entries.subarray(0, this.#entriesEnd);
  }

  /** Throws LogError `invalid` when the event cannot be a record. */
  add({ fields, payload, subject }: SealableEvent): void {
    checkHeaderFields(fields);
    checkPayload(fields.id, payload);
    const memory = this.#memory;
    const seq = this.range.size;
    const stream = this.#sealer.stream(subject);
    const sealedBytes = stream.seal(payload, memory.sealing);
    const sealed = memory.sealing.bytes.subarray(0, sealedBytes);
    const header = {
      activity_id: fields.activity_id,
      class_uid: fields.class_uid,
      fact_revision: fields.fact_revision,
      id: fields.id,
      payload_hash: hash('sha256', sealed, 'base64url'),
      policy_sequence: fields.policy_sequence,
      seq,
      severity_id: fields.severity_id,
      status_id: fields.status_id,
      subject: subject.pseudonym,
      time: fields.time,
      v: 2 as const,
      writer: this.#writer,
    };
    const text = memory.header.lay(header, stream);
    const offset = this.#framesEnd;
    memory.frames = grown(memory.frames, offset + frameOverheadBytes + textBytesMax + sealedBytes);
    this.#framesEnd = writeFrame(memory.frames, { offset, kind: 'record', text, rest: sealed });
    this.range.append(memory.header.leaf());
    memory.entries = grown(memory.entries, this.#entriesEnd + entryBytes);
    writeIndexEntry(memory.entries, { at: this.#entriesEnd, header, offset: this.#offset + offset });
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
