import { readdirSync, readSync, renameSync, statSync, writeSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalJson, fromBase64url, toBase64url } from '#foundation/encoding';
import { type Frame, type FrameProblem, frameBytesMax, frameOverheadBytes, readFrame, writeFrame } from './frame.ts';
import { LogError } from './log-error.ts';
import { CompactRange } from './merkle-tree.ts';

/** What is written about a segment once it is full: at the head of the next one. */
export interface SealedSegment {
  readonly first: number;
  readonly bytes: number;
  readonly timeMin: number;
  readonly timeMax: number;
}

/** The first frame of every segment. */
export interface SegmentHead {
  readonly writer: string;
  /** `seq` of its first record. */
  readonly first: number;
  /** Subtree roots of everything before it, so that the tree goes on even when older segments are gone. */
  readonly before: CompactRange;
  readonly previous: SealedSegment | null;
}

/** A segment file on the disk, or the leaf hashes that are kept of a pruned one. */
export interface SegmentFile {
  readonly first: number;
  readonly path: string;
  readonly bytes: number;
  readonly isPruned: boolean;
}

const digits = 16;
const namePattern = /^(\d{16})\.(segment|hashes)$/;
const chunkBytes = 4 * 1024 * 1024;

/** The files that belong to the segment starting at `first`. */
export function segmentPath(directory: string, { first, kind }: { first: number; kind: SegmentFileKind }): string {
  return join(directory, `${String(first).padStart(digits, '0')}.${kind}`);
}
export type SegmentFileKind = 'segment' | 'index' | 'seal' | 'hashes' | 'torn';

/** The segments of a journal in order. A segment and its pruned remains side by side (a prune cut short) count once, as the segment. */
export function listSegments(directory: string): SegmentFile[] {
  const found = new Map<number, SegmentFile>();
  for (const name of readdirSync(directory).sort()) {
    const match = namePattern.exec(name);
    if (match === null) continue;
    const first = Number(match[1]);
    const isPruned = match[2] === 'hashes';
    if (isPruned && found.get(first)?.isPruned === false) continue;
    const path = join(directory, name);
    found.set(first, { first, path, bytes: statSync(path).size, isPruned });
  }
  return [...found.values()].sort((a, b) => a.first - b.first);
}

/** Writes a new segment with its head so that it appears whole or not at all; gives a handle for appending and what is written. */
export async function createSegment(
  directory: string,
  head: SegmentHead,
): Promise<{ handle: FileHandle; written: Buffer }> {
  const text = canonicalJson({
    before: head.before.nodes.map((node) => toBase64url(node)),
    first: head.first,
    previous: head.previous,
    v: 1,
    writer: head.writer,
  });
  const buffer = Buffer.alloc(text.length + frameOverheadBytes);
  const written = buffer.subarray(0, writeFrame(buffer, { offset: 0, kind: 'head', text, rest: new Uint8Array(0) }));
  const path = segmentPath(directory, { first: head.first, kind: 'segment' });
  const handle = await open(`${path}.new`, 'w', 0o600);
  try {
    writeAll(handle.fd, { bytes: written, position: 0 });
    await handle.sync();
    renameSync(`${path}.new`, path);
    await syncDirectory(directory);
  } catch (error) {
    await handle.close();
    throw error;
  }
  return { handle, written };
}

/** Writes all bytes at the position; a short write goes on, an error is thrown. */
export function writeAll(fd: number, { bytes, position }: { bytes: Uint8Array; position: number }): void {
  let done = 0;
  while (done < bytes.byteLength) done += writeSync(fd, bytes, done, bytes.byteLength - done, position + done);
}

/**
 * Makes created, renamed and removed names durable. By handle, as every sync here: under Node's permission model the calls
 * on bare descriptors are refused.
 */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export type FrameItem =
  | { readonly frame: Frame; readonly offset: number; readonly problem?: never }
  /** The file goes on at `offset` with something that is no frame; nothing follows this item. */
  | { readonly problem: FrameProblem; readonly offset: number; readonly frame?: never };

/** Reads frames one after the other, a few megabytes at a time, from `offset` to the end of what is written now. */
export function* readFrames(fd: number, offset = 0): Generator<FrameItem> {
  let position = offset;
  let carried: Buffer = Buffer.alloc(0);
  for (;;) {
    const chunk = Buffer.allocUnsafe(carried.byteLength + chunkBytes);
    carried.copy(chunk);
    const got = readSync(fd, chunk, carried.byteLength, chunkBytes, position + carried.byteLength);
    const bytes = chunk.subarray(0, carried.byteLength + got);
    let at = 0;
    while (at < bytes.byteLength) {
      const frame = readFrame(bytes, at);
      if (frame === 'short' && got > 0) break;
      if (typeof frame === 'string') {
        yield { problem: frame, offset: position + at };
        return;
      }
      yield { frame, offset: position + at };
      at += frame.bytes;
    }
    if (got === 0) return;
    position += at;
    carried = bytes.subarray(at);
    if (carried.byteLength > frameBytesMax + frameOverheadBytes) {
      yield { problem: 'bad', offset: position };
      return;
    }
  }
}

/** Reads one frame at a known place. */
export function readFrameAt(fd: number, offset: number): Frame | FrameProblem {
  const guess = Buffer.allocUnsafe(4096);
  const got = readSync(fd, guess, 0, guess.byteLength, offset);
  const frame = readFrame(guess.subarray(0, got), 0);
  if (frame !== 'short' || got < 4) return frame;
  const wanted = guess.readUInt32BE(0) + frameOverheadBytes;
  if (wanted > frameBytesMax + frameOverheadBytes) return 'bad';
  const whole = Buffer.allocUnsafe(wanted);
  return readFrame(whole.subarray(0, readSync(fd, whole, 0, wanted, offset)), 0);
}

/** Reads and checks a segment's head. Throws LogError `damaged`. */
export function readSegmentHead(fd: number, file: SegmentFile): { head: SegmentHead; bytes: number } {
  const frame = readFrameAt(fd, 0);
  const head = typeof frame === 'string' || frame.kind !== 'head' ? undefined : parseHead(frame.text);
  if (head === undefined || typeof frame === 'string' || head.first !== file.first) {
    throw new LogError('damaged', `the head of \`${file.path}\` cannot be read`);
  }
  return { head, bytes: frame.bytes };
}

function parseHead(text: Buffer): SegmentHead | undefined {
  try {
    const value = JSON.parse(text.toString('latin1')) as Partial<Record<string, unknown>>;
    const { before, first, previous, v, writer } = value;
    if (v !== 1 || typeof first !== 'number' || typeof writer !== 'string' || !Array.isArray(before)) return undefined;
    const nodes = before.map((node) => fromBase64url(String(node)) ?? new Uint8Array(0));
    if (previous !== null && !isSealed(previous)) return undefined;
    return { writer, first, before: new CompactRange(first, nodes), previous };
  } catch {
    return undefined;
  }
}

function isSealed(value: unknown): value is SealedSegment {
  if (typeof value !== 'object' || value === null) return false;
  const members = value as Partial<Record<string, unknown>>;
  return ['first', 'bytes', 'timeMin', 'timeMax'].every((name) => Number.isSafeInteger(members[name]));
}
