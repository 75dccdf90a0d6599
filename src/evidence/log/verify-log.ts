import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { toBase64url } from '#foundation/encoding';
import { type Checkpoint, readCheckpoints, type VerifyNote } from './checkpoint.ts';
import { LogError } from './log-error.ts';
import { CompactRange, hashBytes } from './merkle-tree.ts';
import { listSegments, type SegmentFile } from './segment-file.ts';
import { openSegment, readPrunedLeaves, walkSegment } from './walk-segment.ts';

export interface VerifyOptions {
  /** The folder that holds one folder per writer. */
  readonly directory: string;
  readonly verifyNote: VerifyNote;
  /** A checkpoint kept where a writer of the journal folder could not change it. */
  readonly pinned?: Checkpoint;
  /** Called now and then with the records verified so far, and awaited: lets a server do other work. */
  readonly onProgress?: (records: number) => Promise<void>;
}

/** One thing that is wrong, and where. */
export interface LogFault {
  readonly kind: 'damaged' | 'torn-tail' | 'missing' | 'checkpoint-mismatch' | 'checkpoint-unsigned';
  /** First record concerned, where known. */
  readonly seq: number | null;
  readonly words: string;
}

export interface WriterReport {
  readonly writer: string;
  /** Records in the tree, pruned ones included. */
  readonly size: number;
  /** Records of which only the leaf hash is kept. */
  readonly pruned: number;
  readonly rootHash: string;
  readonly checkpoints: number;
  /** Size of the last checkpoint that holds; records above it are chained but not yet signed. */
  readonly signedSize: number;
  readonly faults: readonly LogFault[];
}

export interface VerifyReport {
  readonly ok: boolean;
  readonly writers: readonly WriterReport[];
  /** Was a checkpoint given that was kept elsewhere? */
  readonly isPinned: boolean;
  /** What this result claims, and what it does not. */
  readonly claim: string;
}

const claims = {
  bad: 'The journal is not what was written. See the faults.',
  unpinned:
    'Every record is whole, in its place, and every signed checkpoint in the folder holds. Someone who can write every file here could still have cut off the newest records together with their checkpoints: pin checkpoints elsewhere and give one with --checkpoint to rule that out.',
  pinned:
    'Every record is whole and in its place, every signed checkpoint in the folder holds, and the log of the pinned writer still begins with exactly the records the pinned checkpoint was signed over. What is newer than that checkpoint rests on the checkpoints in the folder.',
} as const;
const progressRecords = 10_000;

/** Recomputes everything from the files alone: frames, headers, places, payload hashes, trees, checkpoints and their signatures. */
export async function verifyLog(options: VerifyOptions): Promise<VerifyReport> {
  const { directory, pinned } = options;
  const writers = listWriters(directory);
  const reports: WriterReport[] = [];
  for (const writer of writers) {
    reports.push(await verifyWriter(options, { writer, pinned: pinned?.writer === writer ? pinned : undefined }));
  }
  if (pinned !== undefined && !writers.includes(pinned.writer)) {
    const words = `the pinned checkpoint is of writer \`${pinned.writer}\`, whose journal is gone`;
    reports.push(emptyReport(pinned.writer, { kind: 'missing', seq: 0, words }));
  }
  const ok = reports.every((report) => report.faults.length === 0);
  const claim = ok ? (pinned === undefined ? claims.unpinned : claims.pinned) : claims.bad;
  return { ok, writers: reports, isPinned: pinned !== undefined, claim };
}

/** Names of the writers that have a journal under `directory`. Throws LogError `not-found` when the folder is absent. */
export function listWriters(directory: string): string[] {
  if (!existsSync(directory)) throw new LogError('not-found', `there is no journal folder \`${directory}\``);
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

function emptyReport(writer: string, fault: LogFault): WriterReport {
  const rootHash = toBase64url(new CompactRange().root());
  return { writer, size: 0, pruned: 0, rootHash, checkpoints: 0, signedSize: 0, faults: [fault] };
}

async function verifyWriter(
  options: VerifyOptions,
  { writer, pinned }: { writer: string; pinned: Checkpoint | undefined },
): Promise<WriterReport> {
  const directory = join(options.directory, writer);
  let checkpoints: Checkpoint[];
  let files: SegmentFile[];
  try {
    checkpoints = readCheckpoints(directory).checkpoints;
    files = listSegments(directory);
  } catch (error) {
    if (!(error instanceof LogError)) throw error;
    return emptyReport(writer, { kind: 'damaged', seq: null, words: error.message });
  }
  const faults: LogFault[] = [];
  const claimed = pinned === undefined ? checkpoints : [...checkpoints, pinned];
  const wanted = new Set(claimed.map((checkpoint) => checkpoint.size));
  const roots = new Map<number, string>();
  const range = new CompactRange();
  const note = () => {
    if (wanted.has(range.size)) roots.set(range.size, toBase64url(range.root()));
  };
  note();
  let pruned = 0;
  for (const file of files) {
    if (file.first !== range.size) {
      faults.push({
        kind: 'missing',
        seq: range.size,
        words: `records ${range.size} to ${file.first - 1} are missing`,
      });
      break;
    }
    const walk = file.isPruned ? walkPruned(file, { range, note }) : walkLive(file, { writer, range, note, options });
    const fault = await walk;
    if (file.isPruned) pruned = range.size;
    if (fault !== undefined) {
      faults.push(fault.kind === 'torn-tail' && file !== files.at(-1) ? { ...fault, kind: 'damaged' } : fault);
      break;
    }
  }
  const signed = await checkCheckpoints(claimed, { writer, roots, size: range.size, verifyNote: options.verifyNote });
  return {
    writer,
    size: range.size,
    pruned,
    rootHash: toBase64url(range.root()),
    checkpoints: checkpoints.length,
    signedSize: signed.size,
    faults: [...faults, ...signed.faults],
  };
}

async function walkPruned(
  file: SegmentFile,
  { range, note }: { range: CompactRange; note: () => void },
): Promise<LogFault | undefined> {
  if (file.bytes % hashBytes !== 0) {
    return { kind: 'damaged', seq: range.size, words: `the kept hashes \`${file.path}\` are cut short` };
  }
  for (const leaf of readPrunedLeaves(file)) {
    range.append(leaf);
    note();
  }
  return undefined;
}

async function walkLive(
  file: SegmentFile,
  context: { writer: string; range: CompactRange; note: () => void; options: VerifyOptions },
): Promise<LogFault | undefined> {
  const { writer, range, note, options } = context;
  try {
    const steps = withSegmentSteps(file, { writer, range, note });
    for (const fault of steps) {
      if (fault !== undefined) return fault;
      await options.onProgress?.(range.size);
    }
    return undefined;
  } catch (error) {
    if (!(error instanceof LogError)) throw error;
    return { kind: 'damaged', seq: range.size, words: error.message };
  }
}

/** Walks a segment and pauses every few thousand records (yielding undefined); yields a fault at most once, last. */
function* withSegmentSteps(
  file: SegmentFile,
  { writer, range, note }: { writer: string; range: CompactRange; note: () => void },
): Generator<LogFault | undefined> {
  const segment = openSegment(file);
  try {
    const { head } = segment;
    if (head.writer !== writer) {
      yield { kind: 'damaged', seq: range.size, words: `\`${file.path}\` is of writer \`${head.writer}\`` };
      return;
    }
    if (!head.before.root().equals(range.root())) {
      yield { kind: 'damaged', seq: range.size, words: `\`${file.path}\` does not go on from the records before it` };
      return;
    }
    for (const item of walkSegment(segment.fd, { head, offset: segment.bytes })) {
      if ('problem' in item) {
        const { kind, seq, offset, words } = item.problem;
        const where = `record ${seq} at byte ${offset} of \`${file.path}\`: ${words}`;
        yield { kind: kind === 'torn' ? 'torn-tail' : 'damaged', seq, words: where };
        return;
      }
      range.append(item.record.leaf);
      note();
      if (range.size % progressRecords === 0) yield undefined;
    }
  } finally {
    segment.close();
  }
}

async function checkCheckpoints(
  checkpoints: readonly Checkpoint[],
  found: { writer: string; roots: ReadonlyMap<number, string>; size: number; verifyNote: VerifyNote },
): Promise<{ size: number; faults: LogFault[] }> {
  const faults: LogFault[] = [];
  let size = 0;
  for (const checkpoint of checkpoints) {
    const seq = checkpoint.size;
    const signed = await found.verifyNote(checkpoint.note);
    const isSame =
      signed?.writer === found.writer &&
      signed.writer === checkpoint.writer &&
      signed.size === checkpoint.size &&
      signed.rootHash === checkpoint.rootHash &&
      signed.time === checkpoint.time;
    if (!isSame) {
      faults.push({
        kind: 'checkpoint-unsigned',
        seq,
        words: `the checkpoint over ${seq} records is not signed by a trusted key`,
      });
    } else if (seq > found.size) {
      faults.push({
        kind: 'missing',
        seq: found.size,
        words: `a checkpoint was signed over ${seq} records, ${found.size} can be read`,
      });
    } else if (found.roots.get(seq) !== checkpoint.rootHash) {
      faults.push({
        kind: 'checkpoint-mismatch',
        seq,
        words: `the first ${seq} records are not those the checkpoint was signed over`,
      });
    } else {
      size = Math.max(size, seq);
    }
  }
  return { size, faults };
}
