import type { Clock } from '#foundation/model';
import { FactTable } from '#information/inventory';
import type { CommittedChange, Store } from './store.ts';

/** Hints can be missed; at most this long a commit of another process goes unseen then. */
const pollMs = 1_000;
/** Commits kept in memory for followers that are a little behind. */
const recentMax = 2_000;

export interface LiveFactsOptions {
  readonly clock: Clock;
  /** Told when the store could not be read; the table then stands still until it can. */
  readonly onError: (error: unknown) => void;
  /** The store could not be read, and now it was. */
  readonly onRecovered?: () => void;
}

/** Control's own table of all facts, kept in step with the store. */
export class LiveFacts {
  readonly table: FactTable;
  readonly #store: Store;
  readonly #onError: (error: unknown) => void;
  readonly #onRecovered: () => void;
  #isAway = false;
  readonly #waiting = new Set<{ revision: number; resolve: () => void }>();
  readonly #advanced = new Set<() => void>();
  readonly #recent: CommittedChange[] = [];
  #running: Promise<void> | undefined;
  #again = false;
  #stopListening: () => void = () => {};
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  private constructor(store: Store, options: LiveFactsOptions) {
    this.#store = store;
    this.#onError = options.onError;
    this.#onRecovered = options.onRecovered ?? (() => {});
    this.table = new FactTable({ clock: options.clock });
  }

  /** Loads all facts and follows the store from then on. */
  static async open(store: Store, options: LiveFactsOptions): Promise<LiveFacts> {
    const live = new LiveFacts(store, options);
    live.#stopListening = store.onCommit(() => live.#hint());
    live.table.replace(await store.snapshot());
    live.#timer = setInterval(() => live.#hint(), pollMs);
    live.#timer.unref();
    return live;
  }

  /** Resolves once the table holds this revision: what a writer awaits before it reads what it wrote. */
  reach(revision: number): Promise<void> {
    if (this.table.revision >= revision) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.add({ revision, resolve });
      this.#hint();
    });
  }

  /** Reads the store until nothing is new. Rejects when it cannot be read, so that success means: as of now, current. */
  async refresh(): Promise<void> {
    // A run that began before this call may have looked too early.
    while (this.#running !== undefined) await this.#running.catch(() => {});
    this.#running = this.#catchUp();
    try {
      await this.#running;
      if (this.#isAway) this.#onRecovered();
      this.#isAway = false;
    } catch (error) {
      this.#isAway = true;
      throw error;
    } finally {
      this.#running = undefined;
      if (this.#again) this.#hint();
    }
  }

  /** The commits after `revision` while they are still in memory; undefined when they are not. */
  changesAfter(revision: number): readonly CommittedChange[] | undefined {
    if (revision === this.table.revision) return [];
    const first = this.#recent[0];
    if (first === undefined || revision < first.revision - 1 || revision > this.table.revision) return undefined;
    return this.#recent.slice(revision - first.revision + 1);
  }

  /** Called whenever the table went on. */
  onAdvance(listener: () => void): () => void {
    this.#advanced.add(listener);
    return () => this.#advanced.delete(listener);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#stopListening();
    clearInterval(this.#timer);
    await this.#running?.catch(() => {});
  }

  #hint(): void {
    if (this.#closed) return;
    if (this.#running !== undefined) {
      this.#again = true;
      return;
    }
    this.#again = false;
    this.refresh().catch((error) => this.#onError(error));
  }

  async #catchUp(): Promise<void> {
    for (;;) {
      const page = await this.#store.changesSince(this.table.revision);
      if (this.#closed) return;
      if (page === undefined || page.epoch !== this.table.epoch) {
        this.#recent.length = 0;
        this.table.replace(await this.#store.snapshot());
        this.#tell();
        return;
      }
      for (const change of page.changes) {
        this.#recent.push(change);
        this.table.apply(change.facts, change.revision);
      }
      if (this.#recent.length > recentMax) this.#recent.splice(0, this.#recent.length - recentMax);
      if (page.changes.length > 0) this.#tell();
      if (page.revision <= this.table.revision) return;
    }
  }

  #tell(): void {
    for (const waiter of this.#waiting) {
      if (waiter.revision > this.table.revision) continue;
      this.#waiting.delete(waiter);
      waiter.resolve();
    }
    for (const listener of this.#advanced) listener();
  }
}

/** Opens control's own, always current table of all facts. */
export function followStore(store: Store, options: LiveFactsOptions): Promise<LiveFacts> {
  return LiveFacts.open(store, options);
}
