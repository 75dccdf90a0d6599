import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import {
  type CheckpointStatement,
  checkEvent,
  type JournalRepair,
  type KeyNumber,
  LogError,
  type SyncMode,
  strangerSubject,
  systemSubject,
  type WrittenEvent,
} from '#evidence/log';
import type { JournalEvent } from '#foundation/model';
import { blockBytes, blockBytesFor, EventBlock } from './event-block.ts';
import {
  type FromWorker,
  firstKeyNumber,
  type SubjectKeyText,
  strangerKeyNumber,
  systemKeyNumber,
  type ToWorker,
  type WorkerSettings,
} from './journal-messages.ts';

export interface StartJournalOptions {
  /** The writer's own folder, `<data>/journal/<writer>`. */
  readonly directory: string;
  readonly writer: string;
  readonly sync: SyncMode;
  /** The journal key of a subject (base64url, 32 bytes); must know `system` and `stranger`. */
  readonly keyOf: (subject: string) => string | undefined;
  /** Another number after every change of a key; without it `keyOf` is asked for every event. */
  readonly keysVersion?: () => number;
  readonly signCheckpoint: (statement: CheckpointStatement) => Promise<string>;
  /** Words for the operator: a repair, a checkpoint that could not be signed, a disk that failed. */
  readonly onNotice?: (words: string) => void;
  /**
   * Called once when the journal cannot be written any more, whatever is tried: its disk failed, or its thread ended. Only a new
   * start of the process can mend that, so it should end.
   */
  readonly onFailure?: (error: LogError) => void;
  /** Whole segments older than this are removed, at start and daily; null, or nothing said: everything is kept. */
  readonly retentionMs?: number | null;
  /** Space kept for administrators' events. */
  readonly reservePath?: string;
  readonly reserveBytes?: number;
  readonly syncIntervalMs?: number;
  readonly segmentBytesMax?: number;
  readonly checkpointIntervalMs?: number;
  readonly checkpointRecordsMax?: number;
  /** Events handed over and not yet acknowledged; more are refused (`full`). */
  readonly queuedEventsMax?: number;
}

export interface JournalClient {
  /**
   * Resolves once the event is written (and synced, in mode `before-answer`). Rejects with LogError: then the caller answers
   * no. `isReserved` marks administrators' events, which may use the space and the places that are kept for them.
   */
  append(event: JournalEvent | WrittenEvent, options?: { readonly isReserved?: boolean }): Promise<void>;
  /** Is an event with this id in the log? For replaying an outbox after a crash. */
  has(id: string): Promise<boolean>;
  /** What start-up had to cut off. */
  readonly repair: JournalRepair | undefined;
  /** Does it take ordinary events? False from a refusal, for want of space say, until one is written again. */
  readonly isTaking: boolean;
  /** Undefined while the journal works; else why it does not. */
  readonly failure: LogError | undefined;
  /** Writes and syncs what was appended, has a last checkpoint signed if that is quick, and ends the thread. */
  close(): Promise<void>;
}

const defaults = {
  syncIntervalMs: 50,
  segmentBytesMax: 64 * 1024 * 1024,
  checkpointIntervalMs: 60_000,
  checkpointRecordsMax: 100_000,
  reserveBytes: 16 * 1024 * 1024,
  queuedEventsMax: 16_384,
};
/** Characters of payload that may wait; more are refused (`full`). */
const queuedCharactersMax = 32 * 1024 * 1024;
/** Places beyond `queuedEventsMax` for administrators' events. */
const reservedPlaces = 256;
/** Subjects whose keys the worker is taken to know; at more, both sides start anew. */
const sentKeysMax = 16_384;
/** Blocks that are kept for further batches. */
const keptBlocksMax = 4;
/**
 * A batch of this many goes over at once, while the loop is still at its turn, so that both threads work at the same time. Smaller
 * ones cost more than they gain: waking the other thread takes each as long as sealing two events ...
 */
const batchEvents = 24;
/** ... unless so many are under way: then the thread is the slower one, and larger batches serve it better. */
const batchesUnderWay = 2;
const threadFile = import.meta.url.endsWith('.ts') ? './journal-worker.ts' : './journal-worker.js';

interface Batch {
  readonly number: number;
  readonly block: EventBlock;
  readonly isReserved: boolean;
  characters: number;
  readonly written: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: LogError) => void;
}

/** Starts the thread that writes a journal, and waits until the journal is open. Throws LogError when it cannot be opened. */
export async function startJournal(options: StartJournalOptions): Promise<JournalClient> {
  const settings = settingsOf(options);
  const worker = new Worker(new URL(threadFile, import.meta.url), { workerData: settings, name: 'journal' });
  const repair = await new Promise<JournalRepair | undefined>((resolve, reject) => {
    worker.once('error', reject);
    worker.once('message', (message: FromWorker) => {
      worker.off('error', reject);
      if (typeof message === 'number') reject(new LogError('io', 'the journal thread did not start'));
      else if (message.type === 'opened') resolve(message.repair ?? undefined);
      else if (message.type === 'failed') reject(new LogError(message.code, message.words));
      else reject(new LogError('io', 'the journal thread did not start'));
    });
  });
  if (repair !== undefined) {
    options.onNotice?.(
      `the journal of ${options.writer} ended in a torn record: ${repair.bytes} bytes after record ${repair.seq - 1} were cut off; the file as it was is kept in \`${repair.keptAt}\``,
    );
  }
  return new WorkerJournal({ worker, options, repair });
}

function settingsOf(options: StartJournalOptions): WorkerSettings {
  const systemKey = options.keyOf(systemSubject);
  const strangerKey = options.keyOf(strangerSubject);
  if (systemKey === undefined || strangerKey === undefined) {
    throw new LogError('invalid', 'the journal needs the keys of `system` and `stranger` before it can start');
  }
  return {
    directory: options.directory,
    writer: options.writer,
    sync: options.sync,
    syncIntervalMs: options.syncIntervalMs ?? defaults.syncIntervalMs,
    segmentBytesMax: options.segmentBytesMax ?? defaults.segmentBytesMax,
    checkpointIntervalMs: options.checkpointIntervalMs ?? defaults.checkpointIntervalMs,
    checkpointRecordsMax: options.checkpointRecordsMax ?? defaults.checkpointRecordsMax,
    retentionMs: options.retentionMs ?? null,
    reservePath: options.reservePath ?? join(options.directory, 'reserve'),
    reserveBytes: options.reserveBytes ?? defaults.reserveBytes,
    systemKey,
    strangerKey,
  };
}

interface SentKey {
  readonly key: string;
  readonly number: KeyNumber;
}

class WorkerJournal implements JournalClient {
  readonly repair: JournalRepair | undefined;
  readonly #worker: Worker;
  readonly #options: StartJournalOptions;
  readonly #queuedEventsMax: number;
  readonly #sentKeys = new Map<string, SentKey>();
  /** Stands for these keys until they are forgotten: nothing hangs on it, because principals keep it for as long as they last. */
  #among: object = {};
  #newKeys: SubjectKeyText[] = [];
  #nextKeyNumber = firstKeyNumber;
  readonly #unanswered = new Map<number, Batch>();
  readonly #asked = new Map<number, { resolve: (found: boolean) => void; reject: (error: LogError) => void }>();
  #filling: { ordinary: Batch | undefined; reserved: Batch | undefined } = { ordinary: undefined, reserved: undefined };
  readonly #freeBlocks: Pick<Batch, 'number' | 'block'>[] = [];
  #queued = 0;
  #queuedCharacters = 0;
  #numbers = 0;
  #isRefusing = false;
  #failure: LogError | undefined;
  #closing: Promise<void> | undefined;

  constructor(parts: { worker: Worker; options: StartJournalOptions; repair: JournalRepair | undefined }) {
    this.#worker = parts.worker;
    this.#options = parts.options;
    this.repair = parts.repair;
    this.#queuedEventsMax = parts.options.queuedEventsMax ?? defaults.queuedEventsMax;
    this.#worker.on('message', (message: FromWorker) => this.#receive(message));
    this.#worker.on('error', (error) => this.#fail(new LogError('io', `the journal thread failed: ${error.message}`)));
    this.#worker.on('exit', () => this.#fail(new LogError('closed', 'the journal is closed')));
  }

  get isTaking(): boolean {
    return !this.#isRefusing && this.#failure === undefined && this.#closing === undefined;
  }

  get failure(): LogError | undefined {
    return this.#failure;
  }

  append(event: JournalEvent | WrittenEvent, { isReserved = false }: { isReserved?: boolean } = {}): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#closing !== undefined) return Promise.reject(new LogError('closed', 'the journal is closing'));
    const places = this.#queuedEventsMax + (isReserved ? reservedPlaces : 0);
    if (this.#queued >= places || (this.#queuedCharacters >= queuedCharactersMax && !isReserved)) {
      return Promise.reject(new LogError('full', 'the journal cannot keep up: too many events wait to be written'));
    }
    let payload: string;
    try {
      payload = checkEvent(event);
    } catch (error) {
      return Promise.reject(error);
    }
    const batch = this.#batch(payload, isReserved);
    batch.block.add(event, { payload, key: this.#keyNumber(event) });
    batch.characters += payload.length;
    this.#queued += 1;
    this.#queuedCharacters += payload.length;
    if (batch.block.count >= batchEvents && this.#unanswered.size < batchesUnderWay) this.#handOver();
    return batch.written;
  }

  /** The batch that is filling, with room for the payload: of this turn of the event loop, or of the time until the thread answers. */
  #batch(payload: string, isReserved: boolean): Batch {
    const kind = isReserved ? 'reserved' : 'ordinary';
    const open = this.#filling[kind];
    if (open?.block.hasRoomFor(payload) === true) return open;
    if (open !== undefined) this.#handOver();
    const { promise: written, resolve, reject } = Promise.withResolvers<void>();
    const batch: Batch = { ...this.#block(payload), isReserved, characters: 0, written, resolve, reject };
    const isFirst = this.#filling.ordinary === undefined && this.#filling.reserved === undefined;
    this.#filling[kind] = batch;
    // Waking the thread costs more than an event: while it is busy, events gather until it answers or there are `batchEvents` of them.
    if (isFirst && this.#unanswered.size === 0) setImmediate(() => this.#handOver());
    return batch;
  }

  /** An empty block with room for the payload. */
  #block(payload: string): Pick<Batch, 'number' | 'block'> {
    const free = this.#freeBlocks[this.#freeBlocks.length - 1];
    if (free?.block.hasRoomFor(payload) === true) {
      this.#freeBlocks.pop();
      return free;
    }
    const number = ++this.#numbers;
    const memory = new SharedArrayBuffer(blockBytesFor(payload));
    this.#worker.postMessage({ type: 'block', number, memory } satisfies ToWorker);
    return { number, block: new EventBlock(memory) };
  }

  #release({ number, block }: Batch): void {
    block.clear();
    if (this.#freeBlocks.length < keptBlocksMax && block.memory.byteLength === blockBytes) {
      this.#freeBlocks.push({ number, block });
    } else {
      this.#worker.postMessage({ type: 'block', number, memory: null } satisfies ToWorker);
    }
  }

  /** Whose key seals it: the subject's own when it has one. Sees to it that the worker will know that key. */
  #keyNumber({ subject, principal }: Pick<WrittenEvent, 'subject' | 'principal'>): number {
    if (subject === systemSubject) return systemKeyNumber;
    if (subject === strangerSubject) return strangerKeyNumber;
    const among = this.#among;
    const version = this.#options.keysVersion?.();
    const known = principal?.keyNumber?.among === among ? principal.keyNumber : this.#sentKeys.get(subject)?.number;
    if (known !== undefined && version !== undefined && known.version === version) {
      if (principal !== undefined) principal.keyNumber = known;
      return known.number;
    }
    const key = this.#options.keyOf(subject);
    if (key === undefined) return strangerKeyNumber;
    let sent = this.#sentKeys.get(subject);
    if (sent?.key !== key) {
      sent = { key, number: { among, number: this.#nextKeyNumber, version } };
      this.#nextKeyNumber += 1;
      this.#sentKeys.set(subject, sent);
      this.#newKeys.push({ number: sent.number.number, subject, key });
    }
    sent.number.version = version;
    if (principal !== undefined) principal.keyNumber = sent.number;
    return sent.number.number;
  }

  #handOver(): void {
    const { reserved, ordinary } = this.#filling;
    this.#filling = { ordinary: undefined, reserved: undefined };
    if (this.#newKeys.length > 0) {
      this.#worker.postMessage({ type: 'keys', keys: this.#newKeys } satisfies ToWorker);
      this.#newKeys = [];
    }
    for (const batch of [reserved, ordinary]) {
      if (batch === undefined) continue;
      if (this.#failure !== undefined) {
        batch.reject(this.#failure);
        continue;
      }
      this.#unanswered.set(batch.number, batch);
      batch.block.finish(batch);
      this.#worker.postMessage(batch.number satisfies ToWorker);
    }
    if (this.#sentKeys.size >= sentKeysMax) {
      this.#sentKeys.clear();
      this.#among = {};
      this.#worker.postMessage({ type: 'forget-keys' } satisfies ToWorker);
    }
  }

  #receive(message: FromWorker): void {
    if (typeof message === 'number') {
      this.#settle(message, true)?.resolve();
      if (this.#unanswered.size === 0) this.#handOver();
    } else if (message.type === 'refused') {
      this.#settle(message.block, false)?.reject(new LogError(message.code, message.words));
      if (this.#unanswered.size === 0) this.#handOver();
    } else if (message.type === 'sign') {
      this.#sign(message);
    } else if (message.type === 'has') {
      this.#asked.get(message.request)?.resolve(message.found);
      this.#asked.delete(message.request);
    } else if (message.type === 'broken') {
      this.#fail(new LogError('io', message.words));
    } else if (message.type === 'notice') {
      this.#options.onNotice?.(message.words);
    }
  }

  #settle(number: number, isWritten: boolean): Batch | undefined {
    const batch = this.#unanswered.get(number);
    if (batch === undefined) return undefined;
    this.#unanswered.delete(number);
    // Administrators' events still go in when there is no space for others.
    if (!batch.isReserved) this.#isRefusing = !isWritten;
    this.#queued -= batch.block.count;
    this.#queuedCharacters -= batch.characters;
    this.#release(batch);
    return batch;
  }

  #sign({ request, statement }: Extract<FromWorker, { type: 'sign' }>): void {
    const send = (message: ToWorker) => this.#worker.postMessage(message);
    this.#options.signCheckpoint(statement).then(
      (note) => send({ type: 'signed', request, note }),
      (error: unknown) =>
        send({ type: 'unsigned', request, words: error instanceof Error ? error.message : String(error) }),
    );
  }

  #fail(error: LogError): void {
    const isFirst = this.#failure === undefined;
    this.#failure ??= error;
    if (isFirst && this.#closing === undefined) this.#options.onFailure?.(this.#failure);
    for (const number of [...this.#unanswered.keys()]) this.#settle(number, false)?.reject(this.#failure);
    for (const { reject } of this.#asked.values()) reject(this.#failure);
    this.#asked.clear();
    // What was still gathering is refused as well.
    this.#handOver();
  }

  has(id: string): Promise<boolean> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const request = ++this.#numbers;
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    this.#asked.set(request, { resolve, reject });
    this.#worker.postMessage({ type: 'has', request, id } satisfies ToWorker);
    return promise;
  }

  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      if (this.#failure !== undefined) return resolve();
      this.#handOver();
      this.#worker.once('exit', () => resolve());
      this.#worker.postMessage({ type: 'close' } satisfies ToWorker);
    });
    return this.#closing;
  }
}
