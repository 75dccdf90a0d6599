import { closeSync, copyFileSync, ftruncateSync, mkdirSync, openSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { toBase64url, toIdentifier } from '#foundation/encoding';
import { type Checkpoint, readCheckpoints, type VerifyNote } from './checkpoint.ts';
import { DiskReserve, type ReserveOptions } from './disk-reserve.ts';
import { beginSegment, Journal, type JournalState, type OpenSegment, type SyncMode } from './journal.ts';
import { type Keyring, type SubjectKey, systemSubject } from './journal-keys.ts';
import { journalRepaired } from './journal-repaired.ts';
import { LogError } from './log-error.ts';
import { CompactRange, hashBytes } from './merkle-tree.ts';
import { checkWriter } from './record-header.ts';
import { sealable } from './sealable-event.ts';
import { listSegments, readSegmentHead, type SegmentFile, segmentPath, syncDirectory } from './segment-file.ts';
import { entryBytes, IndexWriter, writeIndexEntry } from './segment-index.ts';
import { SegmentSeal } from './segment-seal.ts';
import { recordsPerTurn, type SegmentProblem, walkSegment } from './walk-segment.ts';

export interface OpenJournalOptions {
  /** The writer's own folder; made when absent. Only one process may hold it: the caller locks it. */
  readonly directory: string;
  readonly writer: string;
  readonly sync: SyncMode;
  /** How long a written record may wait for its sync in mode `interval`. */
  readonly syncIntervalMs?: number;
  readonly segmentBytesMax?: number;
  /** Seals events about nobody, such as the one about a repair. Must hold `system`. */
  readonly keys: Keyring;
  readonly random: (byteCount: number) => Uint8Array;
  readonly now: () => number;
  readonly reserve?: ReserveOptions;
  /** When given, the last checkpoint must verify under it. */
  readonly verifyNote?: VerifyNote;
  readonly onBroken?: (error: LogError) => void;
}

/** What start-up cut off: bytes after the last whole record, kept aside in `keptAt`. */
export interface JournalRepair {
  readonly seq: number;
  readonly bytes: number;
  readonly keptAt: string;
}

/** In mode `interval` a record is synced this long after it was written. */
export const defaultSyncIntervalMs = 50;
const defaultSegmentBytesMax = 64 * 1024 * 1024;

/**
 * Opens a journal for writing, or starts one. A torn tail above the last checkpoint is cut off, kept aside, recorded as an
 * event and told in `repair`. Throws LogError `damaged` when anything below a checkpoint is missing or changed, or when
 * whole records stand where they do not belong: no crash does that.
 */
export async function openJournal(
  options: OpenJournalOptions,
): Promise<{ journal: Journal; repair: JournalRepair | undefined }> {
  const { writer } = options;
  const system = options.keys.bySubject(systemSubject);
  const { journal, repair } = await openFolder({ ...options, sealKey: system });
  if (repair !== undefined) {
    const id = toIdentifier(options.random(16));
    const event = journalRepaired(repair, { id, time: options.now(), writer });
    await journal.append([sealable(event, system)], { isReserved: true });
    await journal.sync();
  }
  return { journal, repair };
}

interface OpenFolderOptions extends Omit<OpenJournalOptions, 'keys' | 'now'> {
  /** Full segments are sealed with it; whoever copies what another wrote vouches for none. */
  readonly sealKey?: SubjectKey;
}

/** openJournal() without the event about a repair. */
export async function openFolder(
  options: OpenFolderOptions,
): Promise<{ journal: Journal; repair: JournalRepair | undefined }> {
  const { directory, writer } = options;
  checkWriter(writer);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const last = readCheckpoints(directory).checkpoints.at(-1);
  if (last !== undefined) await checkNote(last, options);
  const files = listSegments(directory);
  const resumed = await (files.length === 0 ? begin(options, last) : resume(options, { files, last }));
  const reserve = options.reserve === undefined ? undefined : new DiskReserve(directory, options.reserve);
  const state: JournalState = {
    directory,
    writer,
    range: resumed.range,
    segment: resumed.segment,
    lastCheckpoint: last,
    sync: options.sync,
    syncIntervalMs: options.syncIntervalMs ?? defaultSyncIntervalMs,
    segmentBytesMax: options.segmentBytesMax ?? defaultSegmentBytesMax,
    random: options.random,
    reserve,
    newSeal: () => newSeal(options),
    onBroken: options.onBroken ?? (() => undefined),
  };
  return { journal: new Journal(state), repair: resumed.repair };
}

function newSeal({ sealKey, random }: OpenFolderOptions): SegmentSeal | undefined {
  return sealKey === undefined ? undefined : new SegmentSeal(sealKey, random(SegmentSeal.saltBytes));
}

async function checkNote(checkpoint: Checkpoint, { verifyNote, writer, directory }: OpenFolderOptions): Promise<void> {
  if (checkpoint.writer !== writer) {
    throw new LogError(
      'damaged',
      `\`${directory}\` holds checkpoints of writer \`${checkpoint.writer}\`, not \`${writer}\``,
    );
  }
  if (verifyNote === undefined) return;
  const signed = await verifyNote(checkpoint.note);
  if (signed?.writer !== writer || signed.size !== checkpoint.size || signed.rootHash !== checkpoint.rootHash) {
    throw new LogError(
      'damaged',
      `the last checkpoint in \`${directory}\` is not signed by a key of this installation`,
    );
  }
}

interface Resumed {
  readonly range: CompactRange;
  readonly segment: OpenSegment;
  readonly repair: JournalRepair | undefined;
}

async function begin(options: OpenFolderOptions, last: Checkpoint | undefined): Promise<Resumed> {
  const { directory, writer } = options;
  if (last !== undefined) {
    throw new LogError('damaged', `\`${directory}\` has a checkpoint over ${last.size} records but no segment`);
  }
  const range = new CompactRange();
  const index = new IndexWriter(directory, { first: 0, entries: Buffer.alloc(0) });
  const head = { writer, first: 0, before: range, previous: null };
  const segment = await beginSegment(directory, { ...head, index, seal: newSeal(options) });
  return { range, segment, repair: undefined };
}

async function resume(
  options: OpenFolderOptions,
  { files, last }: { files: readonly SegmentFile[]; last: Checkpoint | undefined },
): Promise<Resumed> {
  const target = last?.size ?? 0;
  checkChain(files, options.writer);
  // Everything below the last checkpoint's segment is pinned by the subtree roots in that segment's head.
  const from = files.findLastIndex((file) => file.first <= target && !file.isPruned);
  const walked = files.slice(Math.max(from, 0)).filter((file) => !file.isPruned);
  const newest = walked.at(-1);
  if (newest === undefined || from < 0)
    throw new LogError('damaged', `a segment is missing in \`${options.directory}\``);
  let state: Scan | undefined;
  for (const file of walked) {
    state = await scan(file, { last, before: state?.range });
    if (state.problem !== undefined) checkRepairable(state.problem, { file, isNewest: file === newest, last });
  }
  if (state === undefined || state.range.size < target) {
    throw new LogError(
      'damaged',
      `the journal in \`${options.directory}\` has ${state?.range.size ?? 0} records, but a checkpoint was signed over ${target}: restore it from a backup, or keep it aside and start a new one`,
    );
  }
  const repair =
    state.problem === undefined
      ? undefined
      : await cutTail(options.directory, { file: newest, problem: state.problem });
  const index = new IndexWriter(options.directory, { first: newest.first, entries: Buffer.concat(state.entries) });
  const { timeMin, timeMax, bytes } = state;
  const handle = await open(newest.path, 'r+');
  const segment = { handle, first: newest.first, bytes, index, seal: undefined, timeMin, timeMax };
  return { range: state.range, segment, repair };
}

/** Sealed segments were synced before their successor was made: no crash changes their length. */
function checkChain(files: readonly SegmentFile[], writer: string): void {
  for (const [position, file] of files.entries()) {
    const before = files[position - 1];
    if (file.isPruned) {
      const next = files[position + 1];
      if (next === undefined || next.first !== file.first + file.bytes / hashBytes) {
        throw new LogError('damaged', `\`${file.path}\` does not reach the segment after it`);
      }
      continue;
    }
    const fd = openSync(file.path, 'r');
    try {
      const { head } = readSegmentHead(fd, file);
      if (head.writer !== writer) throw new LogError('damaged', `\`${file.path}\` is of writer \`${head.writer}\``);
      const claimed = head.previous;
      const fits =
        before === undefined
          ? claimed === null
          : claimed?.first === before.first && (before.isPruned || claimed.bytes === before.bytes);
      if (!fits) throw new LogError('damaged', `the segment before \`${file.path}\` is missing or has another length`);
    } finally {
      closeSync(fd);
    }
  }
}

interface Scan {
  readonly range: CompactRange;
  readonly entries: Buffer[];
  readonly bytes: number;
  readonly timeMin: number;
  readonly timeMax: number;
  readonly problem: SegmentProblem | undefined;
}

async function scan(
  file: SegmentFile,
  { last, before }: { last: Checkpoint | undefined; before: CompactRange | undefined },
): Promise<Scan> {
  const fd = openSync(file.path, 'r');
  try {
    const { head, bytes: headBytes } = readSegmentHead(fd, file);
    const range = head.before.clone();
    if (before !== undefined && !(before.size === range.size && before.root().equals(range.root()))) {
      throw new LogError('damaged', `\`${file.path}\` does not go on from the segment before it`);
    }
    const entries: Buffer[] = [];
    let bytes = headBytes;
    let timeMin = Number.MAX_SAFE_INTEGER;
    let timeMax = 0;
    let problem: SegmentProblem | undefined;
    compare(range, last, file);
    for (const item of walkSegment(fd, { head, offset: headBytes })) {
      if ('problem' in item) {
        problem = item.problem;
        break;
      }
      const { header, leaf, offset, end } = item.record;
      range.append(leaf);
      compare(range, last, file);
      const entry = Buffer.allocUnsafe(entryBytes);
      writeIndexEntry(entry, { at: 0, header, offset });
      entries.push(entry);
      if (entries.length % recordsPerTurn === 0) await nextTurn();
      bytes = end;
      timeMin = Math.min(timeMin, header.time);
      timeMax = Math.max(timeMax, header.time);
    }
    return { range, entries, bytes, timeMin, timeMax, problem };
  } finally {
    closeSync(fd);
  }
}

function compare(range: CompactRange, last: Checkpoint | undefined, file: SegmentFile): void {
  if (last === undefined || range.size !== last.size) return;
  if (toBase64url(range.root()) === last.rootHash) return;
  throw new LogError(
    'damaged',
    `records up to ${last.size} in \`${file.path}\` or before are not those a checkpoint was signed over`,
  );
}

function checkRepairable(
  problem: SegmentProblem,
  { file, isNewest, last }: { file: SegmentFile; isNewest: boolean; last: Checkpoint | undefined },
): void {
  const isAbove = problem.seq >= (last?.size ?? 0);
  if (problem.kind === 'torn' && isNewest && isAbove) return;
  throw new LogError(
    'damaged',
    `\`${file.path}\` is damaged at record ${problem.seq}, byte ${problem.offset}: ${problem.words}. ${
      isAbove ? 'No crash does this' : 'A checkpoint was signed over it'
    }: restore the journal from a backup, or keep it aside and start a new one`,
  );
}

/** Keeps the whole damaged segment aside, then cuts what is no record off its end. */
async function cutTail(
  directory: string,
  { file, problem }: { file: SegmentFile; problem: SegmentProblem },
): Promise<JournalRepair> {
  const keptAt = segmentPath(directory, { first: problem.seq, kind: 'torn' });
  const handle = await open(file.path, 'r+');
  try {
    copyFileSync(file.path, keptAt);
    ftruncateSync(handle.fd, problem.offset);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await syncDirectory(directory);
  return { seq: problem.seq, bytes: file.bytes - problem.offset, keptAt };
}
