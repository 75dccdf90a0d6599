import { readSync } from 'node:fs';
import { FramePlace, frameBytesMax, frameOverheadBytes } from './frame.ts';
import { HeaderGlance, writerMember } from './glance-header.ts';
import { type Keyring, type SubjectKey, systemSubject } from './journal-keys.ts';
import { KnownBytes, type PlacedText, type ReadableBytes, readable } from './known-bytes.ts';
import { PayloadOpener } from './open-payload.ts';
import { RunOpener } from './open-run.ts';
import { readHeader } from './record-header.ts';
import { sealBytes } from './seal-payload.ts';
import { isSealedWith } from './segment-seal.ts';

/** Any frame fits. */
const bytesMin = frameBytesMax + frameOverheadBytes;

/** A record for who reads a great many. It is good until the next one is asked for. */
export interface ReplayedRecord {
  readonly id: string;
  readonly time: number;
  readonly policySequence: number;
  readonly factRevision: number;
  /** The payload's JSON. `erased`: there is no key for it. `damaged`: it is not what was written, or nothing can be read from there on. */
  readonly payload: PlacedText | 'erased' | 'damaged';
  /** Bytes of the segment. */
  readonly bytes: number;
}

/** A record in the window. Made once for each place in the order, and used for every window. */
class LyingInWindow {
  readonly frame = new FramePlace();
  readonly header = new HeaderGlance();
  runAt = 0;
  payload: ReadableBytes | 'open' | 'erased' | 'damaged' = 'open';
}

/** What a record says; who replays seldom asks for its id. */
class RecordInWindow implements ReplayedRecord {
  readonly #window: ReadableBytes;
  readonly #record: LyingInWindow;
  readonly time: number;
  readonly policySequence: number;
  readonly factRevision: number;
  readonly bytes: number;

  constructor(window: ReadableBytes, record: LyingInWindow) {
    const { header, frame } = record;
    this.#window = window;
    this.#record = record;
    this.time = header.time;
    this.policySequence = header.policySequence;
    this.factRevision = header.factRevision;
    this.bytes = frame.end - frame.start;
  }

  get id(): string {
    const { idStart, idEnd } = this.#record.header;
    return this.#window.bytes.toString('latin1', idStart, idEnd);
  }

  get payload(): ReplayedRecord['payload'] {
    const { payload, frame } = this.#record;
    if (payload === 'open') {
      const { bytes, view } = this.#window;
      return { bytes, view, start: frame.restStart + sealBytes, end: frame.end };
    }
    if (typeof payload === 'string') return payload;
    return { ...payload, start: 0, end: payload.bytes.byteLength };
  }
}

/** What stands where a segment cannot be read on. */
const nothingMore: ReplayedRecord = {
  id: '',
  time: 0,
  policySequence: 0,
  factRevision: 0,
  payload: 'damaged',
  bytes: 0,
};

/** A segment to be read. */
export interface ReadSegment {
  readonly writer: string;
  /** `seq` of its first record, and of the first behind it; undefined: it may still be written. */
  readonly first: number;
  readonly until: number | undefined;
  /** Bytes of its head. */
  readonly head: number;
  readonly seal: Buffer | undefined;
}

/** Where reading stands. */
interface Place {
  readonly writer: Uint8Array;
  /** Of the next record. */
  seq: number;
  readonly until: number | undefined;
  isProven: boolean;
}

/** What there is of a subject in the window. */
interface OfSubject {
  readonly subject: SubjectKey;
  readonly records: LyingInWindow[];
}

export interface WindowOptions {
  readonly keys: Keyring;
  /** Milliseconds since the epoch, inclusive. */
  readonly since: number;
  /** Exclusive. */
  readonly until: number;
  readonly classUid: number;
  /** Of memory. */
  readonly bytes: number;
}

/**
 * Reads segments as much as fits into memory at a time, and opens it in place, subject by subject: what one has there goes through the
 * cipher at once, which costs a fraction of taking up thousands of streams in turn. Records are given in their order.
 */
export class SegmentWindow {
  readonly #options: WindowOptions;
  readonly #window: ReadableBytes;
  readonly #records: LyingInWindow[] = [];
  readonly #subjects = new Map<string, OfSubject>();
  readonly #pseudonyms = new KnownBytes((bytes) => this.#ofSubject(bytes.toString('latin1')));
  readonly #run = new RunOpener();
  /** Of records of version 1. */
  #opener: PayloadOpener | undefined;
  #count = 0;

  constructor(options: WindowOptions) {
    this.#options = options;
    this.#window = readable(Buffer.allocUnsafeSlow(Math.max(options.bytes, bytesMin)));
  }

  /** The records of one class of the segment. */
  *read(fd: number, { writer, first, until, head, seal }: ReadSegment): Generator<ReplayedRecord> {
    const place: Place = { writer: writerMember(writer), seq: first, until, isProven: false };
    for (let [position, start] = [0, head]; ; start = 0) {
      const all = this.#window.bytes;
      const bytes = all.subarray(0, readSync(fd, all, 0, all.byteLength, position));
      // Only what lies in memory as a whole is known to be what was sealed, and to stay so.
      place.isProven = position === 0 && this.#isSealed(bytes, seal);
      const { end, isBad } = this.#scan(bytes, { start, place });
      this.#open(bytes, place);
      for (let index = 0; index < this.#count; index += 1)
        yield new RecordInWindow(this.#window, this.#records[index] as LyingInWindow);
      // What is torn or missing at the end of the newest one is not written yet.
      const isEnd = end === start;
      const isCut = isEnd && until !== undefined && (end < bytes.byteLength || place.seq !== until);
      if (isBad || isCut) yield nothingMore;
      if (isBad || isEnd) return;
      position += end;
    }
  }

  #isSealed(bytes: Buffer, seal: Buffer | undefined): boolean {
    const key = this.#options.keys.own(systemSubject);
    return seal !== undefined && key !== undefined && isSealedWith(seal, { key, bytes });
  }

  /** Finds whole records of the class, and whose they are. */
  #scan(
    bytes: Buffer,
    { start, place }: { start: number; place: Place },
  ): { readonly end: number; readonly isBad: boolean } {
    const { since, until, classUid } = this.#options;
    this.#count = 0;
    for (let at = start; ; ) {
      const record = this.#next();
      const { frame, header } = record;
      const problem = at === bytes.byteLength ? 'short' : frame.take(bytes, at);
      if (problem !== undefined) return { end: at, isBad: problem === 'bad' };
      const text = { start: frame.textStart, end: frame.restStart, writer: place.writer };
      const isNext =
        frame.kind === 'record' && header.take(bytes, text) && header.seq === place.seq && header.seq !== place.until;
      if (!isNext) return { end: at, isBad: true };
      at = frame.end;
      place.seq += 1;
      const isWanted = header.classUid === classUid && header.time >= since && header.time < until;
      const ofSubject = isWanted
        ? this.#pseudonyms.of(this.#window, header.subjectStart, header.subjectEnd)
        : undefined;
      // What will be compared with its tag needs no checksum.
      if (ofSubject === undefined && !place.isProven && !frame.isSound(bytes)) return { end: at, isBad: true };
      if (!isWanted) continue;
      this.#count += 1;
      record.payload = 'erased';
      ofSubject?.records.push(record);
    }
  }

  #next(): LyingInWindow {
    let record = this.#records[this.#count];
    if (record === undefined) {
      record = new LyingInWindow();
      this.#records.push(record);
    }
    return record;
  }

  #ofSubject(pseudonym: string): OfSubject | undefined {
    let known = this.#subjects.get(pseudonym);
    if (known === undefined) {
      const subject = this.#options.keys.byPseudonym(pseudonym);
      if (subject === undefined) return undefined;
      known = { subject, records: [] };
      this.#subjects.set(pseudonym, known);
    }
    return known;
  }

  #open(bytes: Buffer, { isProven }: Place): void {
    for (const { subject, records } of this.#subjects.values()) {
      for (const record of records) {
        if (record.header.version === 1) record.payload = this.#older(bytes, { record, subject });
        else record.payload = this.#run.take(bytes, { record, subject, isProven }) ? 'open' : 'damaged';
      }
      this.#run.end(bytes);
      records.length = 0;
    }
  }

  #older(
    bytes: Buffer,
    { record: { frame }, subject }: { record: LyingInWindow; subject: SubjectKey },
  ): LyingInWindow['payload'] {
    const text = bytes.subarray(frame.textStart, frame.restStart);
    const header = readHeader(text);
    this.#opener ??= new PayloadOpener();
    const sealed = bytes.subarray(frame.restStart, frame.end);
    const payload = header === undefined ? undefined : this.#opener.open({ header, text, sealed }, subject);
    return payload === undefined ? 'damaged' : readable(Buffer.from(payload));
  }
}
