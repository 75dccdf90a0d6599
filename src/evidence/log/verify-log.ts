import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalJson, toBase64url } from '#foundation/encoding';
import { type Checkpoint, readCheckpoints, type VerifyNote } from './checkpoint.ts';
import { LogError } from './log-error.ts';
import { CompactRange, hashBytes } from './merkle-tree.ts';
import { listSegments, type SealedSegment, type SegmentFile, type SegmentHead } from './segment-file.ts';
import { readSegmentIndex } from './segment-index.ts';
import { openSegment, readPrunedLeaves, walkSegment } from './walk-segment.ts';

export interface VerifyOptions {
  /** The folder that holds one folder per writer. */
  readonly directory: string;
  readonly verifyNote: VerifyNote;
  /** Checkpoints kept where a writer of the journal folder could not change them. */
  readonly pinned?: readonly Checkpoint[];
  /** Called now and then with the records verified so far, and awaited: lets a server do other work. */
  readonly onProgress?: (records: number) => Promise<void>;
}

/** One thing that is wrong, and where. */
export interface LogFault {
  readonly kind: 'damaged' | 'torn-tail' | 'missing' | 'index-mismatch' | 'checkpoint-mismatch' | 'checkpoint-unsigned';
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
  unsigned:
    'Every record is whole and in its place. No checkpoint was signed yet (one is about every minute, and when it stops), so there is no signature to check: someone who can write every file here could have written all of it. Ask again in a minute.',
  unpinned:
    'Every record is whole, in its place, and every signed checkpoint in the folder holds. Someone who can write every file here could still have cut off the newest records together with their checkpoints: pin checkpoints elsewhere and give one with --checkpoint to rule that out.',
  pinned:
    "Every record is whole and in its place, every signed checkpoint in the folder holds, and the log of every pinned writer still begins with exactly the records its pinned checkpoint was signed over. What is newer than that, and other writers' logs, rest on the checkpoints in the folder.",
} as const;
const progressRecords = 10_000;

/** Recomputes everything from the files alone: frames, headers, places, payload hashes, trees, checkpoints and their signatures. */
export async function verifyLog(options: VerifyOptions): Promise<VerifyReport> {
  const { directory, pinned = [] } = options;
  const writers = listWriters(directory);
  const reports: WriterReport[] = [];
  for (const writer of writers) {
    reports.push(
      await verifyWriter(options, { writer, pinned: pinned.filter((checkpoint) => checkpoint.writer === writer) }),
    );
  }
  for (const gone of pinned.filter(({ writer }) => !writers.includes(writer))) {
    const words = `a pinned checkpoint is of writer \`${gone.writer}\`, whose journal is gone`;
    reports.push(emptyReport(gone.writer, { kind: 'missing', seq: 0, words }));
  }
  const ok = reports.every((report) => report.faults.length === 0);
  const isSigned = reports.some(({ checkpoints }) => checkpoints > 0);
  const claim = ok ? claims[pinned.length > 0 ? 'pinned' : isSigned ? 'unpinned' : 'unsigned'] : claims.bad;
  return { ok, writers: reports, isPinned: pinned.length > 0, claim };
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
  { writer, pinned }: { writer: string; pinned: readonly Checkpoint[] },
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
  const claimed = [...checkpoints, ...pinned];
  const wanted = new Set(claimed.map((checkpoint) => checkpoint.size));
  const roots = new Map<number, string>();
  const range = new CompactRange();
  const note = () => {
    if (wanted.has(range.size)) roots.set(range.size, toBase64url(range.root()));
  };
  note();
  let pruned = 0;
  const live: LiveContext = { directory, writer, range, note, options, faults, found: null };
  for (const file of files) {
    if (file.first !== range.size) {
      faults.push({
        kind: 'missing',
        seq: range.size,
        words: `records ${range.size} to ${file.first - 1} are missing`,
      });
      break;
    }
    const fault = file.isPruned ? walkPruned(file, { range, note }) : await walkLive(file, live);
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

function walkPruned(
  file: SegmentFile,
  { range, note }: { range: CompactRange; note: () => void },
): LogFault | undefined {
  if (file.bytes % hashBytes !== 0) {
    return { kind: 'damaged', seq: range.size, words: `the kept hashes \`${file.path}\` are cut short` };
  }
  for (const leaf of readPrunedLeaves(file)) {
    range.append(leaf);
    note();
  }
  return undefined;
}

async function walkLive(file: SegmentFile, context: LiveContext): Promise<LogFault | undefined> {
  try {
    for (const fault of liveSteps(file, context)) {
      if (fault !== undefined) return fault;
      await context.options.onProgress?.(context.range.size);
    }
    return undefined;
  } catch (error) {
    if (!(error instanceof LogError)) throw error;
    return { kind: 'damaged', seq: context.range.size, words: error.message };
  }
}

interface LiveContext {
  readonly directory: string;
  readonly writer: string;
  readonly range: CompactRange;
  readonly note: () => void;
  readonly options: VerifyOptions;
  readonly faults: LogFault[];
  /** What was found of the segment before, to be compared with what this one's head says of it. */
  found: SealedSegment | null;
}

/** Walks a segment and pauses every few thousand records (yielding undefined); yields a fault at most once, last. */
function* liveSteps(file: SegmentFile, context: LiveContext): Generator<LogFault | undefined> {
  const { directory, range, note } = context;
  const segment = openSegment(file);
  try {
    const { head } = segment;
    const words = headFault(head, context);
    if (words !== undefined) {
      yield { kind: 'damaged', seq: range.size, words: `\`${file.path}\` ${words}` };
      return;
    }
    const index = readSegmentIndex(directory, file.first);
    let isIndexed = true;
    let timeMin = Number.MAX_SAFE_INTEGER;
    let timeMax = 0;
    for (const item of walkSegment(segment.fd, { head, offset: segment.bytes })) {
      if ('problem' in item) {
        const { kind, seq, offset, words: what } = item.problem;
        const where = `record ${seq} at byte ${offset} of \`${file.path}\`: ${what}`;
        yield { kind: kind === 'torn' ? 'torn-tail' : 'damaged', seq, words: where };
        return;
      }
      const { header, leaf, offset } = item.record;
      if (isIndexed && !index.fits(header.seq - head.first, { header, offset })) {
        isIndexed = false;
        const about = `the index beside \`${file.path}\` hides or misplaces record ${header.seq} from queries: delete that index file`;
        context.faults.push({ kind: 'index-mismatch', seq: header.seq, words: about });
      }
      range.append(leaf);
      note();
      timeMin = Math.min(timeMin, header.time);
      timeMax = Math.max(timeMax, header.time);
      if (range.size % progressRecords === 0) yield undefined;
    }
    context.found = { first: file.first, bytes: file.bytes, timeMin, timeMax };
  } finally {
    segment.close();
  }
}

/** Everything a head says follows from what was read before it. */
function headFault(head: SegmentHead, { writer, range, found }: LiveContext): string | undefined {
  if (head.writer !== writer) return `is of writer \`${head.writer}\``;
  if (!head.before.root().equals(range.root())) return 'does not go on from the records before it';
  const isAsFound = found === null ? true : canonicalJson(found) === canonicalJson(head.previous);
  return isAsFound ? undefined : 'tells otherwise of the segment before it than what is found there';
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
