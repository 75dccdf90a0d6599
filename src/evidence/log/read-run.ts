import { leafHashInPlace, readFrame } from './frame.ts';
import { LogError } from './log-error.ts';
import type { CompactRange } from './merkle-tree.ts';
import { type RecordHeader, readHeader } from './record-header.ts';
import { entryBytes, writeIndexEntry } from './segment-index.ts';
import { misplaced } from './walk-segment.ts';

/** Whole records one behind the other, each in its place, and the tree with them. */
export interface RecordRun {
  readonly frames: Buffer;
  readonly range: CompactRange;
  readonly timeMin: number;
  readonly timeMax: number;
  /** Their index, when the run lies at this offset of its segment. */
  entriesAt(offset: number): Buffer;
}

/**
 * Reads records that somebody sent (not trusted) and that shall go on from `range`, by the rules a segment is walked by. Throws LogError
 * `invalid` when they are anything else.
 */
export function readRun(frames: Buffer, { writer, range }: { writer: string; range: CompactRange }): RecordRun {
  const grown = range.clone();
  const found: { header: RecordHeader; offset: number }[] = [];
  let timeMin = Number.MAX_SAFE_INTEGER;
  let timeMax = 0;
  for (let at = 0; at < frames.byteLength; ) {
    const frame = readFrame(frames, at);
    const header = typeof frame === 'string' || frame.kind !== 'record' ? undefined : readHeader(frame.text);
    if (typeof frame === 'string' || header === undefined) {
      throw new LogError('invalid', `what stands where record ${grown.size} belongs is no record`);
    }
    const words = misplaced(header, { writer, seq: grown.size, sealed: frame.rest });
    if (words !== undefined) throw new LogError('invalid', words);
    grown.append(leafHashInPlace(frame.text));
    found.push({ header, offset: at });
    timeMin = Math.min(timeMin, header.time);
    timeMax = Math.max(timeMax, header.time);
    at += frame.bytes;
  }
  const entriesAt = (start: number) => {
    const entries = Buffer.allocUnsafe(found.length * entryBytes);
    for (const [index, { header, offset }] of found.entries()) {
      writeIndexEntry(entries, { at: index * entryBytes, header, offset: start + offset });
    }
    return entries;
  };
  return { frames, range: grown, timeMin, timeMax, entriesAt };
}
