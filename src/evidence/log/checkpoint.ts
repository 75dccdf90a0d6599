import { existsSync, ftruncateSync, readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalJson, fromBase64url } from '#foundation/encoding';
import { LogError } from './log-error.ts';
import { syncDirectory, writeAll } from './segment-file.ts';

/** What is signed: the log of this writer had this size and this Merkle tree hash (base64url) at this time. */
export interface CheckpointStatement {
  readonly writer: string;
  readonly size: number;
  readonly rootHash: string;
  readonly time: number;
}

/** A statement with the signer's note over it (a compact JWS). */
export interface Checkpoint extends CheckpointStatement {
  readonly note: string;
}

/** Signs a statement; whoever passes it decides with which key. */
export type SignCheckpoint = (statement: CheckpointStatement) => Promise<string>;

/** Opens a note: the statement it signs, or undefined when no trusted key signed it. */
export type VerifyNote = (note: string) => Promise<CheckpointStatement | undefined>;

export const checkpointsFile = 'checkpoints';
/** Bytes of one line; a longer one is damage. */
export const lineBytesMax = 8192;

/** Reads one checkpoint as kept in the journal folder or pinned elsewhere: one line of JSON. Undefined when it is anything else. */
export function parseCheckpoint(line: string): Checkpoint | undefined {
  if (line.length > lineBytesMax) return undefined;
  try {
    const value = JSON.parse(line) as Partial<Record<string, unknown>> | null;
    const { writer, size, rootHash, time, note } = value ?? {};
    if (typeof writer !== 'string' || typeof rootHash !== 'string' || typeof note !== 'string') return undefined;
    if (!Number.isSafeInteger(size) || Number(size) < 0 || !Number.isSafeInteger(time)) return undefined;
    // One spelling only: a decoder that drops the last character's spare bits would take another note for the same.
    if (note.split('.').some((part) => part === '' || fromBase64url(part) === undefined)) return undefined;
    return { writer, size: Number(size), rootHash, time: Number(time), note };
  } catch {
    return undefined;
  }
}

/** One line of JSON, the form to pin elsewhere. */
export function formatCheckpoint(checkpoint: Checkpoint): string {
  return canonicalJson(checkpoint);
}

/**
 * All checkpoints of a journal, oldest first. The end of a line that was being written is left out and counted in
 * `usedBytes`. Throws LogError `damaged` for any other line that is no checkpoint.
 */
export function readCheckpoints(directory: string): { checkpoints: Checkpoint[]; usedBytes: number } {
  const path = join(directory, checkpointsFile);
  if (!existsSync(path)) return { checkpoints: [], usedBytes: 0 };
  const bytes = readFileSync(path);
  const usedBytes = bytes.lastIndexOf(0x0a) + 1;
  const lines = bytes.subarray(0, usedBytes).toString('utf8').split('\n').slice(0, -1);
  const checkpoints = lines.map((line, index) => {
    const checkpoint = parseCheckpoint(line);
    if (checkpoint === undefined) throw new LogError('damaged', `line ${index + 1} of \`${path}\` is no checkpoint`);
    return checkpoint;
  });
  return { checkpoints, usedBytes };
}

/** Adds a checkpoint durably. */
export async function keepCheckpoint(directory: string, checkpoint: Checkpoint): Promise<void> {
  const { usedBytes } = readCheckpoints(directory);
  const path = join(directory, checkpointsFile);
  const isNew = !existsSync(path);
  const handle = await open(path, isNew ? 'w' : 'r+', 0o600);
  try {
    ftruncateSync(handle.fd, usedBytes);
    writeAll(handle.fd, { bytes: Buffer.from(`${formatCheckpoint(checkpoint)}\n`), position: usedBytes });
    await handle.sync();
  } finally {
    await handle.close();
  }
  if (isNew) await syncDirectory(directory);
}
