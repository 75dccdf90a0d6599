import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { isNoSpace } from './log-error.ts';
import type { HeaderFields } from './record-header.ts';
import { segmentPath, writeAll } from './segment-file.ts';

/*
 * Beside every segment lies an index, one entry of fixed size per record in order, so that a reader finds records by id,
 * subject, class and time without reading the segment. It proves nothing and can be made again from the segment:
 *   8 id   8 subject   f64 time   u32 offset   u16 class   u8 status   u8 activity
 */
export const entryBytes = 32;
export const offsetInEntry = 24;

export interface IndexEntry {
  readonly id: Buffer;
  readonly subject: Buffer;
  readonly time: number;
  readonly offset: number;
  readonly classUid: number;
  readonly statusId: number;
}

type IndexedHeader = HeaderFields & { readonly subject: string };

/** First eight bytes of an id or pseudonym, padded with zeros: enough to look, the record itself is compared afterwards. */
export function indexKey(text: string): Buffer {
  const key = Buffer.alloc(8);
  key.write(text.slice(0, 11), 0, 8, 'base64url');
  return key;
}

export function writeIndexEntry(
  target: Buffer,
  { at, header, offset }: { at: number; header: IndexedHeader; offset: number },
): void {
  // Eight bytes are eleven characters; longer text is cut off, shorter leaves zeros.
  if (header.id.length < 11 || header.subject.length < 11) target.fill(0, at, at + 16);
  target.write(header.id, at, 8, 'base64url');
  target.write(header.subject, at + 8, 8, 'base64url');
  target.writeDoubleBE(header.time, at + 16);
  target.writeUInt32BE(offset, at + offsetInEntry);
  target.writeUInt16BE(Math.min(header.class_uid, 0xffff), at + 28);
  target[at + 30] = Math.min(header.status_id, 0xff);
  target[at + 31] = Math.min(header.activity_id, 0xff);
}

/** The index of one segment in memory, possibly shorter than the segment when that is still being written. */
export class SegmentIndex {
  readonly #bytes: Buffer;
  readonly count: number;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.count = Math.floor(bytes.byteLength / entryBytes);
  }

  static readonly empty = new SegmentIndex(Buffer.alloc(0));

  /** This index and further entries. */
  with(entries: readonly Buffer[]): SegmentIndex {
    return new SegmentIndex(Buffer.concat([this.#bytes.subarray(0, this.count * entryBytes), ...entries]));
  }

  time(entry: number): number {
    return this.#bytes.readDoubleBE(entry * entryBytes + 16);
  }

  offset(entry: number): number {
    return this.#bytes.readUInt32BE(entry * entryBytes + offsetInEntry);
  }

  classUid(entry: number): number {
    return this.#bytes.readUInt16BE(entry * entryBytes + 28);
  }

  statusId(entry: number): number {
    return this.#bytes.readUInt8(entry * entryBytes + 30);
  }

  hasSubject(entry: number, key: Buffer): boolean {
    const at = entry * entryBytes + 8;
    return this.#bytes.compare(key, 0, 8, at, at + 8) === 0;
  }

  /** Is an entry what this record makes it? One that is not there yet fits: readers then look into the segment itself. */
  fits(entry: number, { header, offset }: { header: IndexedHeader; offset: number }): boolean {
    if (entry >= this.count) return true;
    const wanted = Buffer.allocUnsafe(entryBytes);
    writeIndexEntry(wanted, { at: 0, header, offset });
    return wanted.compare(this.#bytes, entry * entryBytes, (entry + 1) * entryBytes) === 0;
  }

  /** Entries whose id may be the one with this key, found without looking at each entry in turn. */
  *withId(key: Buffer): Generator<number> {
    for (let at = this.#bytes.indexOf(key); at >= 0; at = this.#bytes.indexOf(key, at + 1)) {
      if (at % entryBytes === 0) yield at / entryBytes;
    }
  }
}

/** Reads the index of a segment; empty when there is none. */
export function readSegmentIndex(directory: string, first: number): SegmentIndex {
  const path = segmentPath(directory, { first, kind: 'index' });
  return new SegmentIndex(existsSync(path) ? readFileSync(path) : Buffer.alloc(0));
}

/** Entries are gathered up to this many bytes; until then readers find their records in the segment itself. */
const gatheredBytes = 128 * entryBytes;

/** Appends entries beside the segment being written, whose records are there already. */
export class IndexWriter {
  readonly #fd: number;
  /** Bytes in the file. */
  #bytes: number;
  #gathered: Buffer = Buffer.alloc(2 * gatheredBytes);
  #gatheredEnd = 0;

  /** Starts the index of a segment anew with these entries. */
  constructor(directory: string, { first, entries }: { first: number; entries: Buffer }) {
    this.#fd = openSync(segmentPath(directory, { first, kind: 'index' }), 'w', 0o600);
    writeAll(this.#fd, { bytes: entries, position: 0 });
    this.#bytes = entries.byteLength;
  }

  append(entries: Buffer): void {
    const end = this.#gatheredEnd + entries.byteLength;
    if (end > this.#gathered.byteLength) {
      const larger = Buffer.allocUnsafe(2 * end);
      this.#gathered.copy(larger, 0, 0, this.#gatheredEnd);
      this.#gathered = larger;
    }
    entries.copy(this.#gathered, this.#gatheredEnd);
    this.#gatheredEnd = end;
    if (end >= gatheredBytes) this.flush();
  }

  /** Writes what was gathered. Where there is no space it is kept, for no longer than the segment is written, and tried again. */
  flush(): void {
    if (this.#gatheredEnd === 0) return;
    try {
      writeAll(this.#fd, { bytes: this.#gathered.subarray(0, this.#gatheredEnd), position: this.#bytes });
    } catch (error) {
      if (isNoSpace(error)) return;
      throw error;
    }
    this.#bytes += this.#gatheredEnd;
    this.#gatheredEnd = 0;
  }

  close(): void {
    try {
      this.flush();
    } finally {
      closeSync(this.#fd);
    }
  }
}
