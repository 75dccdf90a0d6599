import { renameSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { readCheckpoints } from './checkpoint.ts';
import { LogError } from './log-error.ts';
import { listSegments, type SegmentFile, segmentPath, syncDirectory, writeAll } from './segment-file.ts';
import { listWriters } from './verify-log.ts';
import { openSegment, recordsPerTurn, walkSegment } from './walk-segment.ts';

export interface PruneOptions {
  /** The folder that holds one folder per writer. */
  readonly directory: string;
  /** Segments whose newest record is older than this (milliseconds since the epoch) go. */
  readonly before: number;
}

export interface PruneReport {
  readonly segments: number;
  readonly records: number;
  readonly freedBytes: number;
}

/**
 * Retention: removes whole old segments and keeps the leaf hash of every record (32 bytes each), so that every checkpoint,
 * old or new, and every proof can still be checked. Only what a checkpoint was signed over goes, oldest first, never the
 * segment being written; the journal may be in use. Throws LogError `damaged` when a segment is not whole: evidence of that
 * must not be pruned away.
 */
export async function pruneLog({ directory, before }: PruneOptions): Promise<PruneReport> {
  let report: PruneReport = { segments: 0, records: 0, freedBytes: 0 };
  for (const writer of listWriters(directory)) {
    const pruned = await pruneWriter(join(directory, writer), before);
    report = {
      segments: report.segments + pruned.segments,
      records: report.records + pruned.records,
      freedBytes: report.freedBytes + pruned.freedBytes,
    };
  }
  return report;
}

/** pruneLog() of one writer's folder: what the writer's own process may call, which sees no other. */
export async function pruneWriter(folder: string, before: number): Promise<PruneReport> {
  let report: PruneReport = { segments: 0, records: 0, freedBytes: 0 };
  const signedSize = readCheckpoints(folder).checkpoints.at(-1)?.size ?? 0;
  const files = listSegments(folder);
  for (const [position, file] of files.entries()) {
    if (file.isPruned) continue;
    const next = files[position + 1];
    if (next === undefined || next.first > signedSize || newestTime(next) >= before) break;
    const records = await pruneSegment(folder, { file, until: next.first });
    report = {
      segments: report.segments + 1,
      records: report.records + records,
      freedBytes: report.freedBytes + file.bytes,
    };
  }
  return report;
}

/** Time of the newest record in the segment before this one. */
function newestTime(next: SegmentFile): number {
  const segment = openSegment(next);
  segment.close();
  return segment.head.previous?.timeMax ?? Number.MAX_SAFE_INTEGER;
}

async function pruneSegment(folder: string, { file, until }: { file: SegmentFile; until: number }): Promise<number> {
  const leaves = await readLeaves(file);
  if (leaves.length !== until - file.first) {
    throw new LogError('damaged', `\`${file.path}\` is not whole, so it was not pruned: run \`nullius log verify\``);
  }
  const path = segmentPath(folder, { first: file.first, kind: 'hashes' });
  const handle = await open(`${path}.new`, 'w', 0o600);
  try {
    writeAll(handle.fd, { bytes: Buffer.concat(leaves), position: 0 });
    await handle.sync();
  } finally {
    await handle.close();
  }
  renameSync(`${path}.new`, path);
  await syncDirectory(folder);
  rmSync(file.path);
  for (const kind of ['index', 'seal'] as const)
    rmSync(segmentPath(folder, { first: file.first, kind }), { force: true });
  await syncDirectory(folder);
  return leaves.length;
}

async function readLeaves(file: SegmentFile): Promise<Buffer[]> {
  const segment = openSegment(file);
  try {
    const leaves: Buffer[] = [];
    for (const item of walkSegment(segment.fd, { head: segment.head, offset: segment.bytes })) {
      if ('problem' in item) break;
      leaves.push(item.record.leaf);
      if (leaves.length % recordsPerTurn === 0) await nextTurn();
    }
    return leaves;
  } finally {
    segment.close();
  }
}
