// The thread that owns one journal's files: seals, hashes, writes and syncs, so that the caller's event loop does not.
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import {
  findRecord,
  type Journal,
  keyring,
  LogError,
  openJournal,
  pruneWriter,
  type SubjectKey,
  strangerSubject,
  subjectKey,
  systemSubject,
} from '#evidence/log';
import { settleMemory } from '../child/settle-memory.ts';
import { EventBlock } from './event-block.ts';
import {
  type FromWorker,
  firstKeyNumber,
  type SubjectKeyText,
  strangerKeyNumber,
  systemKeyNumber,
  type ToWorker,
  type WorkerSettings,
} from './journal-messages.ts';
import { lockFolder, type Unlock } from './lock-folder.ts';

/** How long closing waits for the last checkpoint to be signed. */
const lastCheckpointMs = 2000;
const pruneIntervalMs = 24 * 3_600_000;

class JournalWorker {
  readonly #port: MessagePort;
  readonly #settings: WorkerSettings;
  readonly #journal: Journal;
  readonly #unlock: Unlock;
  readonly #fixedKeys: readonly SubjectKey[];
  /** Those that were told, one after the other, since keys were forgotten, and the number of the first. */
  #keys: SubjectKey[] = [];
  #firstKey = firstKeyNumber;
  readonly #blocks = new Map<number, EventBlock>();
  readonly #signing = new Map<number, { resolve: (note: string) => void; reject: (error: Error) => void }>();
  #requests = 0;
  #checkpointing: Promise<void> | undefined;
  readonly #timers: readonly NodeJS.Timeout[];
  #pruning: Promise<void> | undefined;

  constructor(parts: {
    port: MessagePort;
    settings: WorkerSettings;
    journal: Journal;
    unlock: Unlock;
    /** By their numbers. */
    fixedKeys: readonly SubjectKey[];
  }) {
    this.#port = parts.port;
    this.#settings = parts.settings;
    this.#journal = parts.journal;
    this.#unlock = parts.unlock;
    this.#fixedKeys = parts.fixedKeys;
    this.#port.on('message', (message: ToWorker) => this.#receive(message));
    this.#timers = [
      setInterval(() => {
        this.#restoreReserve();
        void this.#checkpoint();
      }, parts.settings.checkpointIntervalMs),
      setInterval(() => this.#prune(), pruneIntervalMs),
    ];
    this.#prune();
  }

  #forgetKeys(): void {
    this.#firstKey += this.#keys.length;
    this.#keys = [];
  }

  #send(message: FromWorker): void {
    this.#port.postMessage(message);
  }

  #receive(message: ToWorker): void {
    if (typeof message === 'number') {
      this.#append(message);
    } else if (message.type === 'block') {
      if (message.memory === null) this.#blocks.delete(message.number);
      else this.#blocks.set(message.number, new EventBlock(message.memory));
    } else if (message.type === 'keys') {
      this.#takeKeys(message.keys);
    } else if (message.type === 'forget-keys') {
      this.#forgetKeys();
    } else if (message.type === 'has') {
      const found = findRecord(this.#settings.directory, message.id) !== undefined;
      this.#send({ type: 'has', request: message.request, found });
    } else if (message.type === 'signed') {
      this.#signing.get(message.request)?.resolve(message.note);
    } else if (message.type === 'unsigned') {
      this.#signing.get(message.request)?.reject(new Error(message.words));
    } else {
      this.#close();
    }
  }

  #takeKeys(keys: readonly SubjectKeyText[]): void {
    for (const { number, subject, key } of keys) {
      if (number !== this.#firstKey + this.#keys.length)
        throw new Error('INVARIANT: keys are numbered as they are sent');
      this.#keys.push(subjectKey(subject, Buffer.from(key, 'base64url')));
    }
  }

  #keyOf(number: number): SubjectKey | undefined {
    return number < firstKeyNumber ? this.#fixedKeys[number] : this.#keys[number - this.#firstKey];
  }

  #append(number: number): void {
    const block = this.#blocks.get(number);
    if (block === undefined) throw new Error('INVARIANT: the memory of a block is sent before its number');
    const { events, isReserved } = block.read((key) => this.#keyOf(key));
    this.#journal.append(events, { isReserved }).then(
      () => {
        this.#send(number);
        const above = this.#journal.size - (this.#journal.lastCheckpoint?.size ?? 0);
        if (above >= this.#settings.checkpointRecordsMax) this.#checkpoint();
      },
      (error: unknown) => this.#send({ type: 'refused', block: number, ...told(error) }),
    );
  }

  /** Administrators' events never ask for it, and where only those are written nobody else would take it back. */
  #restoreReserve(): void {
    try {
      this.#journal.restoreReserve();
    } catch (error) {
      this.#send({ type: 'notice', words: `the space for administrators cannot be reserved: ${told(error).words}` });
    }
  }

  /** One at a time; a failure is told and tried again at the next turn. */
  #checkpoint(): Promise<void> {
    this.#checkpointing ??= this.#journal
      .checkpoint((statement) => this.#sign(statement), { time: Date.now() })
      .then(
        () => undefined,
        (error: unknown) => this.#send({ type: 'notice', words: `no journal checkpoint: ${told(error).words}` }),
      )
      .finally(() => {
        this.#checkpointing = undefined;
      });
    return this.#checkpointing;
  }

  /** Only this process may write here, so it is the one that removes what is older than the retention. */
  #prune(): Promise<void> {
    const { retentionMs, directory } = this.#settings;
    if (retentionMs === null) return Promise.resolve();
    this.#pruning ??= pruneWriter(directory, Date.now() - retentionMs)
      .then(
        ({ segments, records }) => {
          if (segments > 0) {
            const words = `${records} journal records beyond the retention were removed; their hashes stay for proofs`;
            this.#send({ type: 'notice', words });
          }
        },
        (error: unknown) => this.#send({ type: 'notice', words: `the journal was not pruned: ${told(error).words}` }),
      )
      .finally(() => {
        this.#pruning = undefined;
      });
    return this.#pruning;
  }

  #sign(statement: Extract<FromWorker, { type: 'sign' }>['statement']): Promise<string> {
    const request = ++this.#requests;
    const signed = new Promise<string>((resolve, reject) => this.#signing.set(request, { resolve, reject }));
    this.#send({ type: 'sign', request, statement });
    return signed.finally(() => this.#signing.delete(request));
  }

  async #close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await this.#pruning;
    const late = new Promise<void>((resolve) => setTimeout(resolve, lastCheckpointMs).unref());
    await Promise.race([this.#checkpoint(), late]);
    try {
      await this.#journal.close();
    } catch (error) {
      this.#send({ type: 'notice', words: told(error).words });
    }
    this.#unlock();
    this.#send({ type: 'closed' });
    this.#port.close();
  }
}

function told(error: unknown): Pick<Extract<FromWorker, { type: 'failed' }>, 'code' | 'words'> {
  if (error instanceof LogError) return { code: error.code, words: error.message };
  return { code: 'io', words: error instanceof Error ? error.message : String(error) };
}

async function main(port: MessagePort, settings: WorkerSettings): Promise<void> {
  const { directory, writer, sync, syncIntervalMs, segmentBytesMax, reservePath, reserveBytes } = settings;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const unlock = lockFolder(directory);
    const system = Buffer.from(settings.systemKey, 'base64url');
    const stranger = Buffer.from(settings.strangerKey, 'base64url');
    const entries: [string, Uint8Array][] = [
      [systemSubject, system],
      [strangerSubject, stranger],
    ];
    const fixedKeys: SubjectKey[] = [];
    fixedKeys[systemKeyNumber] = subjectKey(systemSubject, system);
    fixedKeys[strangerKeyNumber] = subjectKey(strangerSubject, stranger);
    const { journal, repair } = await openJournal({
      directory,
      writer,
      sync,
      syncIntervalMs,
      segmentBytesMax,
      keys: keyring(entries),
      random: randomBytes,
      now: Date.now,
      reserve: { path: reservePath, bytes: reserveBytes, random: randomBytes },
      onBroken: (error) => port.postMessage({ type: 'broken', words: error.message } satisfies FromWorker),
    });
    new JournalWorker({ port, settings, journal, unlock, fixedKeys });
    port.postMessage({ type: 'opened', size: journal.size, repair: repair ?? null } satisfies FromWorker);
    settleMemory();
  } catch (error) {
    port.postMessage({ type: 'failed', ...told(error) } satisfies FromWorker);
    port.close();
  }
}

if (parentPort === null) throw new Error('journal-worker runs as a worker thread only');
await main(parentPort, workerData as WorkerSettings);
