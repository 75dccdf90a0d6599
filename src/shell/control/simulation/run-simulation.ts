import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { reportOf } from '#decision/analysis';
import { fromBase64url } from '#foundation/encoding';
import type { FactRow, RehearsalProgress, SimulationReport } from '#foundation/model';
import type { FactTable } from '#information/inventory';
import type { Store } from '../../store/index.ts';
import type { FromSimulation, ShippedSet, SimulationWork, ToSimulation } from './simulation-messages.ts';

/** Decisions replayed at most. */
export const decisionsMax = 20_000_000;
/** Earlier publications whose decisions can be checked. */
const publicationsMax = 20;
/** Pages of the change feed that are read at most; each holds some hundred revisions. */
const feedPagesMax = 10_000;
/** Longer than a rehearsal of ten million decisions takes. */
const simulationMsMax = 180_000;
const memoryMbMax = 1_536;
/** Threads that share the segments of the journal. */
const threadsMax = 4;

const isSource = import.meta.url.endsWith('.ts');
const threadFile = isSource ? './simulate-worker.ts' : './simulate-worker.js';
/** Entities of applications that a rehearsal holds: apps' policies read them only where they name one, and there may be a million. */
export const heldEntitiesMax = 100_000;
const neededKinds: ReadonlySet<string> = new Set(['user', 'group', 'segment', 'resource', 'session', 'token', 'grant']);
type Needed = (rows: readonly FactRow[]) => FactRow[];

/** What of these facts and of their changes a rehearsal needs. */
export function neededOf(rows: readonly FactRow[]): { readonly needed: Needed; readonly areEntitiesHeld: boolean } {
  let entities = 0;
  for (const { kind } of rows) if (kind === 'entity') entities += 1;
  const areEntitiesHeld = entities <= heldEntitiesMax;
  const needed: Needed = (all) =>
    all.filter(({ kind }) => neededKinds.has(kind) || (areEntitiesHeld && kind === 'entity'));
  return { needed, areEntitiesHeld };
}

/** It could not be rehearsed; `message` is fit for people. */
export class SimulationError extends Error {
  override readonly name = 'SimulationError';
}

export interface SimulationInput {
  readonly journalDirectory: string;
  readonly facts: FactTable;
  readonly store: Store;
  readonly since: number;
  readonly until: number;
  readonly after: ShippedSet;
  /** Revision of the oldest decision that is replayed; null: there is none. */
  readonly oldestRevision: number | null;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: RehearsalProgress) => void;
}

type FoundParts = Extract<FromSimulation, { type: 'parts' }>;

export interface SimulationOutcome {
  readonly report: SimulationReport & { readonly judged: number };
  /** False: there were more decisions than are replayed. */
  readonly isComplete: boolean;
  /** Newest revision of facts that could be held. */
  readonly lastRevision: number;
  /** Oldest revision of facts that is kept; decisions before it were judged by its facts. */
  readonly firstRevision: number;
  /** False: there are too many. */
  readonly areEntitiesHeld: boolean;
}

/** Where facts begin: at the oldest decision, or where the store's memory does. */
async function firstRevisionOf({ store, facts, oldestRevision }: SimulationInput): Promise<number> {
  const head = await store.rows.selectFrom('head').select('pruned_revision').where('id', '=', 1).executeTakeFirst();
  return Math.min(Math.max(oldestRevision ?? facts.revision, head?.pruned_revision ?? 0), facts.revision);
}

function* keysOf(facts: FactTable): Generator<readonly [string, Uint8Array]> {
  for (const [subject, { key }] of facts.all('journal-key')) {
    const bytes = fromBase64url(key);
    if (bytes !== undefined) yield [subject, bytes];
  }
}

async function publicationsSince(store: Store, revision: number): Promise<ShippedSet[]> {
  const versions = await store.history('publication', 'current', { limit: publicationsMax });
  return versions
    .filter(({ toRevision, body }) => body.parsed !== null && (toRevision === null || toRevision > revision))
    .map(({ body: { sequence, schema, policies, parsed, states } }) => ({
      sequence,
      schema,
      policies,
      parsed,
      states,
    }));
}

/** Hands the threads every change from the first revision to the newest, page by page. */
async function tellChanges(
  workers: readonly Worker[],
  { store, signal, first, needed }: { store: Store; signal: AbortSignal; first: number; needed: Needed },
): Promise<void> {
  let after = first;
  for (let pages = 0; pages < feedPagesMax; pages += 1) {
    signal.throwIfAborted();
    const page = await store.changesSince(after);
    if (page === undefined || page.changes.length === 0) break;
    const changes = page.changes.map(({ revision, facts }) => ({ revision, facts: needed(facts) }));
    for (const worker of workers) worker.postMessage({ type: 'changes', changes } satisfies ToSimulation);
    after = page.changes.at(-1)?.revision ?? page.revision;
  }
  for (const worker of workers) worker.postMessage({ type: 'begin' } satisfies ToSimulation);
}

function outcomeOf(worker: Worker, { signal, onProgress }: Pick<SimulationInput, 'signal' | 'onProgress'>) {
  return new Promise<FoundParts>((resolve, reject) => {
    const fail = (words: string) => reject(new SimulationError(words));
    const timer = setTimeout(
      () => fail(`the rehearsal took longer than ${simulationMsMax / 1000} s; choose a shorter time`),
      simulationMsMax,
    );
    const onAbort = () => fail('the rehearsal was stopped');
    signal.addEventListener('abort', onAbort, { once: true });
    worker.on('message', (message: FromSimulation) => {
      if (message.type === 'progress') onProgress(message);
      else if (message.type === 'failed') fail(message.words);
      else resolve(message);
    });
    worker.on('error', (error: NodeJS.ErrnoException) =>
      fail(
        error.code === 'ERR_WORKER_OUT_OF_MEMORY'
          ? `the rehearsal needs more than ${memoryMbMax} MB; choose a shorter time`
          : `the rehearsal failed: ${error.message}`,
      ),
    );
    worker.on('exit', () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      fail('the rehearsal ended without an answer');
    });
  });
}

/**
 * Replays the journals of this machine under other policies, in a thread of bounded time and memory. Throws SimulationError, with
 * words for people.
 */
export async function runSimulation(input: SimulationInput): Promise<SimulationOutcome> {
  const { journalDirectory: directory, facts, store, since, until, after, signal } = input;
  const firstRevision = await firstRevisionOf(input);
  const snapshot = await store.snapshotAt(firstRevision);
  const { needed, areEntitiesHeld } = neededOf(snapshot.rows);
  const work: Omit<SimulationWork, 'share'> = {
    directory,
    keys: [...keysOf(facts)],
    since,
    until,
    epoch: snapshot.epoch,
    firstRevision,
    rows: needed(snapshot.rows),
    before: await publicationsSince(store, firstRevision),
    after,
    decisionsMax,
  };
  const of = Math.min(threadsMax, Math.max(1, availableParallelism()));
  const workers = Array.from({ length: of }, (_, index) => {
    const workerData: SimulationWork = { ...work, share: { index, of } };
    const resourceLimits = { maxOldGenerationSizeMb: memoryMbMax };
    return new Worker(new URL(threadFile, import.meta.url), { workerData, name: 'rehearsal', resourceLimits });
  });
  const told = workers.map((): RehearsalProgress => ({ type: 'progress', readBytes: 0, allBytes: 0, replayed: 0 }));
  const onProgress = (index: number) => (progress: RehearsalProgress) => {
    told[index] = progress;
    input.onProgress(sumOf(told));
  };
  const outcomes = Promise.all(
    workers.map((worker, index) => outcomeOf(worker, { signal, onProgress: onProgress(index) })),
  );
  // Whatever goes wrong first is what is told.
  outcomes.catch(() => undefined);
  try {
    await tellChanges(workers, { store, signal, first: firstRevision, needed });
    const found = await outcomes;
    return {
      report: reportOf(found.map(({ parts }) => parts)),
      isComplete: found.every(({ isComplete }) => isComplete),
      lastRevision: Math.min(...found.map(({ lastRevision }) => lastRevision)),
      firstRevision,
      areEntitiesHeld,
    };
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

function sumOf(all: readonly RehearsalProgress[]): RehearsalProgress {
  const sum = (member: 'readBytes' | 'allBytes' | 'replayed') => all.reduce((total, each) => total + each[member], 0);
  return { type: 'progress', readBytes: sum('readBytes'), allBytes: sum('allBytes'), replayed: sum('replayed') };
}
