import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { type ReadSegment, type ReplayedRecord, SegmentWindow, type WindowOptions } from './open-segment-window.ts';
import { listSegments, readSegmentHead, type SegmentFile } from './segment-file.ts';
import { readSeal } from './segment-seal.ts';
import { listWriters } from './verify-log.ts';

/** Bytes of a segment that are opened at once: a segment of the default size with the batch that filled it. */
const windowBytesMax = 72 * 1024 * 1024;

export interface ReplayOptions extends Omit<WindowOptions, 'bytes'> {
  /** The folder that holds one folder per writer. */
  readonly directory: string;
  /** Of memory; a segment that is larger is read in pieces. */
  readonly windowBytesMax?: number;
  /** Only one of so many parts, so that several threads share the work: segments that follow each other, whose streams go on. */
  readonly share?: { readonly index: number; readonly of: number };
}

/** Segments that may hold records from `since` on: each head tells how late the one before it ends. */
function segmentsSince(directory: string, since: number): SegmentFile[] {
  const files = listSegments(directory).filter(({ isPruned }) => !isPruned);
  let start = files.length - 1;
  for (; start > 0; start -= 1) {
    const file = files[start] as SegmentFile;
    const fd = openSync(file.path, 'r');
    try {
      const { previous } = readSegmentHead(fd, file).head;
      if (previous !== null && previous.timeMax < since) break;
    } finally {
      closeSync(fd);
    }
  }
  return files.slice(Math.max(start, 0));
}

type SharedSegment = SegmentFile & Pick<ReadSegment, 'writer' | 'until'>;

function sharedSegments({
  directory,
  since,
  share,
}: Pick<ReplayOptions, 'directory' | 'since' | 'share'>): SharedSegment[] {
  const all = listWriters(directory).flatMap((writer) =>
    segmentsSince(join(directory, writer), since).map((file, index, files) => ({
      ...file,
      writer,
      until: files[index + 1]?.first,
    })),
  );
  if (share === undefined) return all;
  const total = all.reduce((sum, { bytes }) => sum + bytes, 0);
  let before = 0;
  return all.filter(({ bytes }) => {
    // Whose part its middle lies in.
    const part = Math.floor(((before + bytes / 2) * share.of) / total);
    before += bytes;
    return part === share.index;
  });
}

/** Bytes that replayLog() will read at most, to show progress by. */
export function replayBytes(options: Pick<ReplayOptions, 'directory' | 'since' | 'share'>): number {
  return sharedSegments(options).reduce((sum, { bytes }) => sum + bytes, 0);
}

/**
 * Gives the records of one class, writer by writer, each writer's in its order: fast, because nothing is merged and no payload is parsed.
 * What is damaged is told apart from what is erased; `verifyLog` tells what happened to it. Lazy: the caller makes the pauses.
 */
export function* replayLog(options: ReplayOptions): Generator<ReplayedRecord> {
  const files = sharedSegments(options);
  const largest = Math.max(0, ...files.map(({ bytes }) => bytes));
  const window = new SegmentWindow({ ...options, bytes: Math.min(largest, options.windowBytesMax ?? windowBytesMax) });
  for (const file of files) {
    const fd = openSync(file.path, 'r');
    try {
      const { writer, first, until } = file;
      const seal = until === undefined ? undefined : readSeal(join(options.directory, writer), first);
      yield* window.read(fd, { writer, first, until, head: readSegmentHead(fd, file).bytes, seal });
    } finally {
      closeSync(fd);
    }
  }
}
