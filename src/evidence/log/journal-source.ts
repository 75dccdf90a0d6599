import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { type Checkpoint, checkpointsFile, lineBytesMax, parseCheckpoint } from './checkpoint.ts';
import { readFrame } from './frame.ts';
import type { CopyPosition } from './journal-copy.ts';
import { LogError } from './log-error.ts';
import { readHeader } from './record-header.ts';
import { listSegments, readFrames, type SegmentFile, segmentPath } from './segment-file.ts';
import { entryBytes, offsetInEntry } from './segment-index.ts';

/** Whole records of one segment. */
export interface JournalPiece {
  readonly segment: number;
  readonly seq: number;
  readonly count: number;
  readonly frames: Buffer;
}

/** The newest checkpoint in a writer's folder, read from the end of the file alone. */
export function newestCheckpoint(directory: string): Checkpoint | undefined {
  const path = join(directory, checkpointsFile);
  if (!existsSync(path)) return undefined;
  const fd = openSync(path, 'r');
  try {
    const { size } = fstatSync(fd);
    const tail = Buffer.alloc(Math.min(size, 2 * lineBytesMax));
    const got = readSync(fd, tail, 0, tail.byteLength, size - tail.byteLength);
    const lines = tail.subarray(0, got).toString('utf8').split('\n');
    // Behind the last line break there is nothing, or what is being written.
    return parseCheckpoint(lines.at(-2) ?? '');
  } finally {
    closeSync(fd);
  }
}

/** Is a copy that ends so a copy of this journal? One whose last checkpoint is not among ours is another's. */
export function isSourceOf(directory: string, { signed, size }: CopyPosition): boolean {
  const newest = newestCheckpoint(directory);
  if (size > (newest?.size ?? 0)) return false;
  if (signed === null) return true;
  return readFileSync(join(directory, checkpointsFile)).includes(
    `"rootHash":"${signed.rootHash}","size":${signed.size},`,
  );
}

/**
 * The records that a copy lacks, from the first on: of one segment, below `until`, and about `bytesMax` of them. Throws LogError
 * `not-found` when they were pruned.
 */
export function readPiece(
  directory: string,
  { size, until, bytesMax }: { readonly size: number; readonly until: number; readonly bytesMax: number },
): JournalPiece {
  const file = listSegments(directory).findLast(({ first }) => first <= size);
  if (file === undefined || file.isPruned) {
    throw new LogError('not-found', `record ${size} was removed by the retention before it was copied`);
  }
  const fd = openSync(file.path, 'r');
  try {
    const offset = offsetOf(fd, { directory, file, seq: size });
    const bytes = Buffer.allocUnsafe(bytesMax);
    const read = bytes.subarray(0, readSync(fd, bytes, 0, bytesMax, offset));
    let end = 0;
    let seq = size;
    while (seq < until) {
      const frame = readFrame(read, end);
      if (typeof frame === 'string') break;
      // The others follow it; whoever takes them reads each.
      if (seq === size && readHeader(frame.text)?.seq !== seq) {
        throw new LogError('damaged', `record ${seq} is not in its place`);
      }
      end += frame.bytes;
      seq += 1;
    }
    if (seq === size) throw new LogError('damaged', `record ${seq} cannot be read`);
    return { segment: file.first, seq: size, count: seq - size, frames: read.subarray(0, end) };
  } finally {
    closeSync(fd);
  }
}

/** Where a record lies: by the index, which may be behind, else counted. */
function offsetOf(fd: number, { directory, file, seq }: { directory: string; file: SegmentFile; seq: number }): number {
  const entry = seq - file.first;
  const path = segmentPath(directory, { first: file.first, kind: 'index' });
  const indexed = existsSync(path) ? readIndexed(path, entry) : undefined;
  if (indexed !== undefined) return indexed;
  // The head comes first.
  let left = entry + 1;
  for (const { offset } of readFrames(fd)) {
    if (left === 0) return offset;
    left -= 1;
  }
  throw new LogError('damaged', `record ${seq} is missing`);
}

function readIndexed(path: string, entry: number): number | undefined {
  const fd = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(4);
    const got = readSync(fd, bytes, 0, 4, entry * entryBytes + offsetInEntry);
    return got === 4 ? bytes.readUInt32BE(0) : undefined;
  } finally {
    closeSync(fd);
  }
}
