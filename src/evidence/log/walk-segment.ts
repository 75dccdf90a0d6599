import { hash } from 'node:crypto';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { leafHashInPlace } from './frame.ts';
import { hashBytes } from './merkle-tree.ts';
import { type RecordHeader, readHeader } from './record-header.ts';
import { readFrames, readSegmentHead, type SegmentFile, type SegmentHead } from './segment-file.ts';

/** Who walks a segment where other work waits lets it have its turn after so many records: a few milliseconds. */
export const recordsPerTurn = 500;

/** A record that is well-formed and stands where its header says. */
export interface WalkedRecord {
  readonly header: RecordHeader;
  readonly leaf: Buffer;
  readonly sealed: Buffer;
  readonly offset: number;
  /** Offset behind it. */
  readonly end: number;
}

/** Where reading a segment stopped. `torn`: bytes that are no frame, which a crash leaves at the end of the last segment. `forged`: a whole frame that does not belong there, which no crash makes. */
export interface SegmentProblem {
  readonly kind: 'torn' | 'forged';
  readonly seq: number;
  readonly offset: number;
  readonly words: string;
}

export type WalkItem = { readonly record: WalkedRecord } | { readonly problem: SegmentProblem };

/** Reads the records of a segment in order (or from record `from` at `offset` on), checking frame, header, place and payload hash. After a problem nothing follows. */
export function* walkSegment(
  fd: number,
  { head, offset, from = head.first }: { head: SegmentHead; offset: number; from?: number },
): Generator<WalkItem> {
  let seq = from;
  for (const item of readFrames(fd, offset)) {
    const at = item.offset;
    if (item.frame === undefined) {
      const words = item.problem === 'short' ? 'the file ends inside a record' : 'a checksum or length is wrong';
      yield { problem: { kind: 'torn', seq, offset: at, words } };
      return;
    }
    const { text, rest, kind } = item.frame;
    const header = kind === 'record' ? readHeader(text) : undefined;
    const words =
      header === undefined ? 'a frame is no record' : misplaced(header, { writer: head.writer, seq, sealed: rest });
    if (header === undefined || words !== undefined) {
      yield { problem: { kind: 'forged', seq, offset: at, words: words ?? '' } };
      return;
    }
    yield { record: { header, leaf: leafHashInPlace(text), sealed: rest, offset: at, end: at + item.frame.bytes } };
    seq += 1;
  }
}

/** Why a record does not belong where it stands, if so. */
export function misplaced(
  header: RecordHeader,
  { writer, seq, sealed }: { writer: string; seq: number; sealed: Buffer },
): string | undefined {
  if (header.writer !== writer) return `a record of writer \`${header.writer}\` stands in the log of \`${writer}\``;
  if (header.seq !== seq) return `record ${header.seq} stands where record ${seq} belongs`;
  if (header.payload_hash !== hash('sha256', sealed, 'base64url')) return 'a payload is not the one its header names';
  return undefined;
}

/** A segment open for reading; `bytes` is the length of its head. */
export interface ReadableSegment {
  readonly fd: number;
  readonly head: SegmentHead;
  readonly bytes: number;
  close(): void;
}

/** Opens a segment for reading. Throws LogError `damaged` when its head cannot be read. */
export function openSegment(file: SegmentFile): ReadableSegment {
  const fd = openSync(file.path, 'r');
  try {
    return { fd, ...readSegmentHead(fd, file), close: () => closeSync(fd) };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** The leaf hashes kept of a pruned segment. */
export function readPrunedLeaves(file: SegmentFile): Buffer[] {
  const bytes = readFileSync(file.path);
  const leaves: Buffer[] = [];
  for (let at = 0; at + hashBytes <= bytes.byteLength; at += hashBytes) leaves.push(bytes.subarray(at, at + hashBytes));
  return leaves;
}
