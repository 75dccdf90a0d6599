import { ftruncateSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { toBase64url } from '#foundation/encoding';
import { type Checkpoint, type CheckpointStatement, keepCheckpoint, type SignCheckpoint } from './checkpoint.ts';
import type { DiskReserve } from './disk-reserve.ts';
import { isNoSpace, LogError } from './log-error.ts';
import type { CompactRange } from './merkle-tree.ts';
import { readRun } from './read-run.ts';
import { BatchMemory, RecordBatch } from './record-batch.ts';
import { PayloadSealer } from './seal-payload.ts';
import type { SealableEvent } from './sealable-event.ts';
import { createSegment, type SealedSegment, type SegmentHead, writeAll } from './segment-file.ts';
import { IndexWriter } from './segment-index.ts';
import type { SegmentSeal } from './segment-seal.ts';

export interface AppendOptions {
  /** An administrator's event: may use the space that is kept for them. */
  readonly isReserved?: boolean;
}

/** `interval`: synced within `syncIntervalMs` after the write. `before-answer`: append() resolves after the sync. */
export type SyncMode = 'interval' | 'before-answer';

/** The segment being written. */
export interface OpenSegment {
  readonly handle: FileHandle;
  readonly first: number;
  readonly bytes: number;
  readonly timeMin: number;
  readonly timeMax: number;
  readonly index: IndexWriter;
  /** Undefined: part of it was there before, so nothing can be said of it. */
  readonly seal: SegmentSeal | undefined;
}

export interface JournalState {
  readonly directory: string;
  readonly writer: string;
  readonly range: CompactRange;
  readonly segment: OpenSegment;
  readonly lastCheckpoint: Checkpoint | undefined;
  readonly sync: SyncMode;
  readonly syncIntervalMs: number;
  readonly segmentBytesMax: number;
  readonly random: (byteCount: number) => Uint8Array;
  readonly reserve: DiskReserve | undefined;
  /** Makes the seals of full segments; undefined: there are none. */
  readonly newSeal: () => SegmentSeal | undefined;
  /** Called once when the disk failed in a way that only opening the journal again can mend. */
  readonly onBroken: (error: LogError) => void;
}

type LaidRecords = Pick<RecordBatch, 'frames' | 'entries' | 'range' | 'timeMin' | 'timeMax'>;

/** One writer's log: append-only, sealed, hashed into a Merkle tree. Made by openJournal(). */
export class Journal {
  readonly #state: JournalState;
  #range: CompactRange;
  #segment: OpenSegment;
  readonly #sealer: PayloadSealer;
  readonly #memory = new BatchMemory();
  #lastCheckpoint: Checkpoint | undefined;
  #broken: LogError | undefined;
  #isClosed = false;
  #unsynced = false;
  #writing: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #syncing: Promise<void> | undefined;
  #nextSync: Promise<void> | undefined;

  constructor(state: JournalState) {
    this.#state = state;
    this.#range = state.range;
    this.#segment = state.segment;
    this.#sealer = new PayloadSealer(state.random);
    this.#lastCheckpoint = state.lastCheckpoint;
  }

  get writer(): string {
    return this.#state.writer;
  }

  /** Records so far; the `seq` of the next one. */
  get size(): number {
    return this.#range.size;
  }

  get rootHash(): string {
    return toBase64url(this.#range.root());
  }

  /** The segment being written: its first record, and its bytes so far. */
  get segment(): { readonly first: number; readonly bytes: number } {
    return this.#segment;
  }

  get lastCheckpoint(): Checkpoint | undefined {
    return this.#lastCheckpoint;
  }

  /**
   * Appends events as one group. Resolves with the `seq` of the first once all are written (and, `before-answer`, synced).
   * Rejects with LogError, and then none of them is in the log: `full` when there is no space, `io` when the disk failed.
   */
  async append(events: readonly SealableEvent[], options: AppendOptions = {}): Promise<number> {
    if (this.#isClosed) throw new LogError('closed', 'the journal is closed');
    const writing = this.#writing.then(() => this.#write(events, options));
    // The next group waits for this one whether or not it succeeds.
    this.#writing = writing.then(
      () => undefined,
      () => undefined,
    );
    const first = await writing;
    if (this.#state.sync === 'before-answer') await this.sync();
    else this.#syncSoon();
    return first;
  }

  async #write(events: readonly SealableEvent[], options: AppendOptions): Promise<number> {
    if (this.#broken !== undefined) throw this.#broken;
    const { reserve } = this.#state;
    if (options.isReserved !== true && reserve !== undefined && !reserve.allowsOrdinary()) throw noSpace();
    if (this.#segment.bytes >= this.#state.segmentBytesMax) await this.#roll(options);
    const first = this.#range.size;
    const batch = new RecordBatch({
      writer: this.#state.writer,
      range: this.#range.clone(),
      offset: this.#segment.bytes,
      sealer: this.#sealer,
      memory: this.#memory,
    });
    this.#sealer.warm(events);
    for (const event of events) batch.add(event);
    await this.#place(batch, options);
    this.#memory.shrink();
    return first;
  }

  /** Puts records behind what is there. */
  async #place(batch: LaidRecords, options: AppendOptions): Promise<void> {
    await this.#withReserve(options, () => this.#lay(batch));
    this.#range = batch.range;
    this.#segment.seal?.update(batch.frames);
    this.#segment = {
      ...this.#segment,
      bytes: this.#segment.bytes + batch.frames.byteLength,
      timeMin: Math.min(this.#segment.timeMin, batch.timeMin),
      timeMax: Math.max(this.#segment.timeMax, batch.timeMax),
    };
    this.#state.reserve?.wrote(batch.frames.byteLength);
    this.#unsynced = true;
  }

  /**
   * For a copy of a journal that is written elsewhere: appends records as their writer sealed them, in the segments it has. Throws
   * LogError `invalid`, and then nothing was written, unless each is the next one.
   */
  async appendRecords(frames: Buffer, { segment }: { readonly segment: number }): Promise<void> {
    const writing = this.#writing.then(async () => {
      if (this.#isClosed) throw new LogError('closed', 'the journal is closed');
      if (this.#broken !== undefined) throw this.#broken;
      const run = readRun(frames, { writer: this.writer, range: this.#range });
      if (segment !== this.#segment.first) {
        if (segment !== this.size) throw new LogError('invalid', `no segment can begin with record ${segment} here`);
        await this.#roll({});
      }
      await this.#place({ ...run, entries: run.entriesAt(this.#segment.bytes) }, {});
    });
    this.#writing = writing.catch(() => undefined);
    await writing;
    this.#syncSoon();
  }

  /** For such a copy: keeps a checkpoint over exactly what is there. Throws LogError `invalid` for any other. */
  async keep(checkpoint: Checkpoint): Promise<void> {
    await this.#writing;
    const { writer, size, rootHash } = checkpoint;
    if (writer !== this.writer || size !== this.size || rootHash !== this.rootHash) {
      throw new LogError('invalid', `a checkpoint over ${size} records is over others than the ${this.size} here`);
    }
    await this.sync();
    await keepCheckpoint(this.#state.directory, checkpoint);
    this.#lastCheckpoint = checkpoint;
  }

  /** Writes frames, then their index; when the frames cannot be written the segment is as before. */
  #lay(batch: LaidRecords): void {
    const { handle, bytes, index } = this.#segment;
    try {
      writeAll(handle.fd, { bytes: batch.frames, position: bytes });
    } catch (error) {
      try {
        ftruncateSync(handle.fd, bytes);
      } catch (again) {
        throw this.#break(again);
      }
      if (isNoSpace(error)) throw error;
      throw this.#break(error);
    }
    try {
      index.append(batch.entries);
    } catch (error) {
      throw this.#break(error);
    }
  }

  async #withReserve(options: AppendOptions, write: () => void | Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      if (!isNoSpace(error)) throw error;
      if (options.isReserved !== true || this.#state.reserve?.release() !== true) throw noSpace(error);
      try {
        await write();
      } catch (again) {
        throw isNoSpace(again) ? noSpace(again) : again;
      }
    }
  }

  /** Closes the full segment, durably, and starts the next. */
  async #roll(options: AppendOptions): Promise<void> {
    const old = this.#segment;
    try {
      await old.handle.datasync();
    } catch (error) {
      throw this.#break(error);
    }
    const { bytes: oldBytes, timeMin, timeMax } = old;
    const previous: SealedSegment = { first: old.first, bytes: oldBytes, timeMin, timeMax };
    await this.#withReserve(options, () => this.#begin(previous));
    old.index.close();
    try {
      old.seal?.write(this.#state.directory, old.first);
    } catch (error) {
      throw this.#break(error);
    }
    // Waits by itself for a sync that is under way.
    await old.handle.close();
  }

  async #begin(previous: SealedSegment): Promise<void> {
    const { directory, writer } = this.#state;
    const first = this.#range.size;
    let index: IndexWriter | undefined;
    try {
      index = new IndexWriter(directory, { first, entries: Buffer.alloc(0) });
      const seal = this.#state.newSeal();
      this.#segment = await beginSegment(directory, { writer, first, before: this.#range, previous, index, seal });
    } catch (error) {
      index?.close();
      throw isNoSpace(error) ? error : this.#break(error);
    }
  }

  #break(cause: unknown): LogError {
    if (this.#broken !== undefined) return this.#broken;
    const words = cause instanceof Error ? cause.message : String(cause);
    this.#broken = new LogError('io', `the journal cannot be written: ${words}`, { cause });
    this.#state.onBroken(this.#broken);
    return this.#broken;
  }

  #syncSoon(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      // A failed sync breaks the journal, which tells onBroken and every later append.
      this.sync().catch(() => undefined);
    }, this.#state.syncIntervalMs);
  }

  /** Resolves once everything appended before the call is on the disk. Calls made during a sync share the next one. */
  sync(): Promise<void> {
    if (this.#broken !== undefined) return Promise.reject(this.#broken);
    if (!this.#unsynced) return this.#syncing ?? Promise.resolve();
    if (this.#syncing === undefined) return this.#startSync();
    this.#nextSync ??= this.#syncing.then(() => {
      this.#nextSync = undefined;
      return this.#startSync();
    });
    return this.#nextSync;
  }

  async #startSync(): Promise<void> {
    this.#unsynced = false;
    this.#state.reserve?.look();
    try {
      this.#segment.index.flush();
    } catch (error) {
      throw this.#break(error);
    }
    const syncing = this.#segment.handle.datasync().catch((error: unknown) => {
      // After a failed sync the kernel may have dropped what was dirty: what the log holds is unknown until reopened.
      throw this.#break(error);
    });
    this.#syncing = syncing.finally(() => {
      this.#syncing = undefined;
    });
    return this.#syncing;
  }

  /** Takes back the space kept for administrators, where it was given free and there is room for it again. */
  restoreReserve(): void {
    this.#state.reserve?.restore();
  }

  /** Has a checkpoint over everything so far signed and kept. Undefined when nothing was appended since the last. */
  async checkpoint(sign: SignCheckpoint, { time }: { time: number }): Promise<Checkpoint | undefined> {
    if (this.size === (this.#lastCheckpoint?.size ?? 0)) return undefined;
    const statement: CheckpointStatement = { writer: this.writer, size: this.size, rootHash: this.rootHash, time };
    await this.sync();
    const checkpoint = { ...statement, note: await sign(statement) };
    await keepCheckpoint(this.#state.directory, checkpoint);
    this.#lastCheckpoint = checkpoint;
    return checkpoint;
  }

  /** Syncs and closes; later appends are refused. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#writing;
    clearTimeout(this.#timer);
    try {
      if (this.#broken === undefined) await this.sync();
    } finally {
      this.#segment.index.close();
      await this.#segment.handle.close();
    }
  }
}

/** Makes a segment that this process writes from its first byte on. */
export async function beginSegment(
  directory: string,
  { index, seal, ...head }: SegmentHead & Pick<OpenSegment, 'index' | 'seal'>,
): Promise<OpenSegment> {
  const { handle, written } = await createSegment(directory, head);
  seal?.update(written);
  const { first } = head;
  return { handle, first, bytes: written.byteLength, index, seal, timeMin: Number.MAX_SAFE_INTEGER, timeMax: 0 };
}

function noSpace(cause?: unknown): LogError {
  return new LogError('full', 'the disk of the journal is full: free space on it, or prune old segments', { cause });
}
