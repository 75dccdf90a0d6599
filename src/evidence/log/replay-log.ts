import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { Keyring } from './journal-keys.ts';
import { PayloadOpener } from './open-payload.ts';
import type { RecordHeader } from './record-header.ts';
import { sealedStreamsMax } from './seal-payload.ts';
import { listSegments, readFrames, readSegmentHead, type SegmentFile } from './segment-file.ts';
import { listWriters } from './verify-log.ts';

/** A record for who reads a great many. `text` is the payload's JSON; null when it cannot be opened. */
export interface ReplayedRecord {
  readonly id: string;
  readonly time: number;
  readonly policySequence: number;
  readonly factRevision: number;
  readonly text: string | null;
}

export interface ReplayOptions {
  /** The folder that holds one folder per writer. */
  readonly directory: string;
  readonly keys: Keyring;
  /** Milliseconds since the epoch, inclusive. */
  readonly since: number;
  /** Exclusive. */
  readonly until: number;
  readonly classUid: number;
  /** Only every so many-eth segment, so that several threads share the work. */
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

function sharedSegments({
  directory,
  since,
  share,
}: Pick<ReplayOptions, 'directory' | 'since' | 'share'>): SegmentFile[] {
  const all = listWriters(directory).flatMap((writer) => segmentsSince(join(directory, writer), since));
  return share === undefined ? all : all.filter((_, index) => index % share.of === share.index);
}

/** Bytes that replayLog() will read at most, to show progress by. */
export function replayBytes(options: Pick<ReplayOptions, 'directory' | 'since' | 'share'>): number {
  return sharedSegments(options).reduce((sum, { bytes }) => sum + bytes, 0);
}

/**
 * Gives the records of one class, writer by writer, each writer's in its order: fast, because nothing is merged and no payload is parsed.
 * What is damaged is left out; whether anything is, `verifyLog` tells. Lazy: the caller makes the pauses.
 */
export function* replayLog(
  options: ReplayOptions,
): Generator<{ readonly record: ReplayedRecord; readonly bytes: number }> {
  for (const file of sharedSegments(options)) yield* replaySegment(file, options);
}

function* replaySegment(
  file: SegmentFile,
  { keys, since, until, classUid }: ReplayOptions,
): Generator<{ readonly record: ReplayedRecord; readonly bytes: number }> {
  const opener = new PayloadOpener({ streamsMax: sealedStreamsMax });
  const fd = openSync(file.path, 'r');
  try {
    const { bytes: start } = readSegmentHead(fd, file);
    for (const { frame } of readFrames(fd, start)) {
      if (frame === undefined) return;
      const header = frame.kind === 'record' ? headerOf(frame.text) : undefined;
      if (header === undefined) return;
      if (header.class_uid !== classUid || header.time < since || header.time >= until) continue;
      const subject = keys.byPseudonym(header.subject);
      const lying = { header, text: frame.text, sealed: frame.rest };
      const text = subject === undefined ? undefined : opener.open(lying, subject);
      yield {
        record: {
          id: header.id,
          time: header.time,
          policySequence: header.policy_sequence,
          factRevision: header.fact_revision,
          text: text ?? null,
        },
        bytes: frame.bytes,
      };
    }
  } finally {
    closeSync(fd);
  }
}

/** Without the checks of `verifyLog`: a header that lies does not open its payload. */
function headerOf(text: Buffer): RecordHeader | undefined {
  try {
    return JSON.parse(text.toString('latin1')) as RecordHeader;
  } catch {
    return undefined;
  }
}
