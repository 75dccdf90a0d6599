import { readSync } from 'node:fs';
import { FramePlace, frameBytesMax, frameOverheadBytes } from './frame.ts';
import { HeaderGlance } from './glance-header.ts';
import type { Keyring, SubjectKey } from './journal-keys.ts';
import { PayloadOpener } from './open-payload.ts';
import { wholeStreamBytes } from './pad-stream.ts';
import { readHeader } from './record-header.ts';
import { sealBytes } from './seal-payload.ts';

/** Any frame fits. */
const bytesMin = frameBytesMax + frameOverheadBytes;

/** A record for who reads a great many. It is good until the next one is asked for. */
export interface ReplayedRecord {
  readonly id: string;
  readonly time: number;
  readonly policySequence: number;
  readonly factRevision: number;
  /** The payload's JSON. `erased`: there is no key for it. `damaged`: it is not what was written, or nothing can be read from there on. */
  readonly payload: Buffer | 'erased' | 'damaged';
  /** Bytes of the segment. */
  readonly bytes: number;
}

/** A record in the window. Made once for each place in the order, and used for every window. */
class LyingInWindow {
  readonly frame = new FramePlace();
  readonly header = new HeaderGlance();
  payload: Buffer | 'open' | 'erased' | 'damaged' = 'open';
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
 * Reads segments as much as fits into memory at a time, and opens it in place, subject by subject: each one's stream is begun once and
 * read on while it is at hand, which costs a fraction of taking up thousands of streams in turn. Records are given in their order.
 */
export class SegmentWindow {
  readonly #options: WindowOptions;
  readonly #bytes: Buffer;
  readonly #records: LyingInWindow[] = [];
  readonly #subjects = new Map<string, OfSubject>();
  readonly #opener = new PayloadOpener({ streamsMax: 16, firstBytes: wholeStreamBytes });
  #count = 0;

  constructor(options: WindowOptions) {
    this.#options = options;
    this.#bytes = Buffer.allocUnsafeSlow(Math.max(options.bytes, bytesMin));
  }

  /** The records of one class of the segment from `offset` on. `isNewest`: it may still be written. */
  *read(fd: number, { offset, isNewest }: { offset: number; isNewest: boolean }): Generator<ReplayedRecord> {
    for (let position = offset; ; ) {
      const bytes = this.#bytes.subarray(0, readSync(fd, this.#bytes, 0, this.#bytes.byteLength, position));
      const { end, isBad } = this.#scan(bytes);
      this.#open(bytes);
      for (let index = 0; index < this.#count; index += 1)
        yield this.#replayed(bytes, this.#records[index] as LyingInWindow);
      // A torn end is what a reader sees while a write is under way.
      const isTorn = end === 0 && bytes.byteLength > 0;
      if (isBad || (isTorn && !isNewest)) yield nothingMore;
      if (isBad || end === 0) return;
      position += end;
    }
  }

  /** Finds whole records of the class, and whose they are. */
  #scan(bytes: Buffer): { readonly end: number; readonly isBad: boolean } {
    const { since, until, classUid } = this.#options;
    this.#count = 0;
    for (let at = 0; ; ) {
      const record = this.#next();
      const { frame, header } = record;
      const problem = at === bytes.byteLength ? 'short' : frame.take(bytes, at);
      if (problem !== undefined) return { end: at, isBad: problem === 'bad' };
      const isRecord = frame.kind === 'record' && header.take(bytes, { start: frame.textStart, end: frame.restStart });
      if (!isRecord) return { end: at, isBad: true };
      at = frame.end;
      const isWanted = header.classUid === classUid && header.time >= since && header.time < until;
      const ofSubject = isWanted ? this.#ofSubject(bytes, header) : undefined;
      // What will be compared with its tag needs no checksum.
      if (ofSubject === undefined && !frame.isSound(bytes)) return { end: at, isBad: true };
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

  #ofSubject(bytes: Buffer, { subjectStart, subjectEnd }: HeaderGlance): OfSubject | undefined {
    const pseudonym = bytes.toString('latin1', subjectStart, subjectEnd);
    let known = this.#subjects.get(pseudonym);
    if (known === undefined) {
      const subject = this.#options.keys.byPseudonym(pseudonym);
      if (subject === undefined) return undefined;
      known = { subject, records: [] };
      this.#subjects.set(pseudonym, known);
    }
    return known;
  }

  #open(bytes: Buffer): void {
    for (const { subject, records } of this.#subjects.values()) {
      for (const record of records) record.payload = this.#payload(bytes, { record, subject });
      records.length = 0;
    }
  }

  #payload(
    bytes: Buffer,
    { record: { frame, header }, subject }: { record: LyingInWindow; subject: SubjectKey },
  ): LyingInWindow['payload'] {
    const text = bytes.subarray(frame.textStart, frame.restStart);
    const sealed = bytes.subarray(frame.restStart, frame.end);
    if (header.version !== 1) {
      const payloadHash = bytes.toString('latin1', header.hashStart, header.hashEnd);
      return this.#opener.openInPlace({ text, sealed, payloadHash }, subject) ? 'open' : 'damaged';
    }
    const older = readHeader(text);
    const payload = older === undefined ? undefined : this.#opener.open({ header: older, text, sealed }, subject);
    return payload === undefined ? 'damaged' : Buffer.from(payload);
  }

  #replayed(bytes: Buffer, { frame, header, payload }: LyingInWindow): ReplayedRecord {
    return {
      id: bytes.toString('latin1', header.idStart, header.idEnd),
      time: header.time,
      policySequence: header.policySequence,
      factRevision: header.factRevision,
      payload: payload === 'open' ? bytes.subarray(frame.restStart + sealBytes, frame.end) : payload,
      bytes: frame.end - frame.start,
    };
  }
}
