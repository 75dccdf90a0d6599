import type { Frame } from './frame.ts';
import { LogError } from './log-error.ts';
import { type LyingRecord, PayloadOpener } from './open-payload.ts';
import { readHeader } from './record-header.ts';
import { readFrameAt, type SegmentFile, type SegmentHead } from './segment-file.ts';
import { entryBytes, readSegmentIndex, SegmentIndex, writeIndexEntry } from './segment-index.ts';
import { openSegment, type ReadableSegment, walkSegment } from './walk-segment.ts';

/** A record as it lies in a segment, still sealed. */
export interface SealedRecord extends LyingRecord {
  readonly opener: PayloadOpener;
}

/** One segment for readers: its index, completed from the segment where that is newer, and its records by entry. */
export class SegmentView {
  readonly #file: SegmentFile;
  readonly #segment: ReadableSegment;
  readonly #opener = new PayloadOpener();
  #index: SegmentIndex;

  constructor(directory: string, file: SegmentFile) {
    this.#file = file;
    this.#segment = openSegment(file);
    try {
      this.#index = this.#completed(readSegmentIndex(directory, file.first));
    } catch (error) {
      this.#segment.close();
      throw error;
    }
  }

  get head(): SegmentHead {
    return this.#segment.head;
  }

  get index(): SegmentIndex {
    return this.#index;
  }

  /** The index with entries for what the segment holds beyond it; made anew when it does not fit the segment. */
  #completed(index: SegmentIndex): SegmentIndex {
    if (index.count === 0) return this.#scanned(index, { from: 0, offset: this.#segment.bytes });
    const last = index.count - 1;
    const frame = readFrameAt(this.#segment.fd, index.offset(last));
    if (!this.#isEntry(frame, last)) return this.#scanned(SegmentIndex.empty, { from: 0, offset: this.#segment.bytes });
    return this.#scanned(index, { from: index.count, offset: index.offset(last) + frame.bytes });
  }

  #isEntry(frame: Frame | string, entry: number): frame is Frame {
    if (typeof frame === 'string') return false;
    return frame.kind === 'record' && readHeader(frame.text)?.seq === this.head.first + entry;
  }

  #scanned(index: SegmentIndex, { from, offset }: { from: number; offset: number }): SegmentIndex {
    const entries: Buffer[] = [];
    for (const item of walkSegment(this.#segment.fd, { head: this.head, offset, from: this.head.first + from })) {
      // A torn end is what a reader sees while a write is under way; damage is for verifyLog() to tell.
      if ('problem' in item) break;
      const entry = Buffer.allocUnsafe(entryBytes);
      writeIndexEntry(entry, { at: 0, header: item.record.header, offset: item.record.offset });
      entries.push(entry);
    }
    return entries.length === 0 ? index : index.with(entries);
  }

  /** Reads the record of an entry. Throws LogError `damaged` when it is not there. */
  record(entry: number): SealedRecord {
    const frame = readFrameAt(this.#segment.fd, this.#index.offset(entry));
    const header = typeof frame === 'string' || frame.kind !== 'record' ? undefined : readHeader(frame.text);
    if (typeof frame === 'string' || header?.seq !== this.head.first + entry) {
      throw new LogError(
        'damaged',
        `record ${this.head.first + entry} cannot be read in \`${this.#file.path}\`: run \`nullius log verify\``,
      );
    }
    return { header, text: frame.text, sealed: frame.rest, opener: this.#opener };
  }

  close(): void {
    this.#segment.close();
  }
}
