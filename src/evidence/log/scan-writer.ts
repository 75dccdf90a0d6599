import { closeSync, openSync } from 'node:fs';
import { listSegments, readSegmentHead, type SegmentFile } from './segment-file.ts';
import type { SegmentIndex } from './segment-index.ts';
import { type SealedRecord, SegmentView } from './segment-view.ts';

export type ScanOrder = 'newest-first' | 'oldest-first';

/** Entries of an index that are looked at in one go: about a millisecond. */
const entriesPerTurn = 10_000;

export interface ScanOptions {
  readonly order: ScanOrder;
  /** Newest first: records below this `seq`. Oldest first: from this `seq` on. Undefined: all. */
  readonly position: number | undefined;
  readonly since: number;
  readonly matches: (index: SegmentIndex, entry: number) => boolean;
}

/** Goes through one writer's records in order, holding one segment open at a time, and stops at candidates by index alone. */
export class WriterScan {
  readonly #directory: string;
  readonly #options: ScanOptions;
  readonly #files: SegmentFile[];
  #view: SegmentView | undefined;
  #entry = 0;
  #candidate: { seq: number; time: number } | undefined;
  /** Where a later scan goes on. */
  position: number;

  constructor(directory: string, options: ScanOptions) {
    this.#directory = directory;
    this.#options = options;
    const files = listSegments(directory).filter((file) => !file.isPruned);
    const { position, order } = options;
    // The list is used up from its end.
    if (order === 'newest-first') {
      this.#files = files.filter((file) => position === undefined || file.first < position);
      this.position = position ?? Number.MAX_SAFE_INTEGER;
    } else {
      const from = position ?? 0;
      const start = Math.max(
        files.findLastIndex((file) => file.first <= from),
        0,
      );
      this.#files = files.slice(start).reverse();
      this.position = Math.max(from, this.#files.at(-1)?.first ?? 0);
    }
  }

  /**
   * Looks for the next candidate through a part of one segment's index, since a filter that nothing matches goes through them all. False: it
   * has to be called again, and other work may have its turn before.
   */
  advance(): boolean {
    if (this.#candidate !== undefined) return true;
    if (this.#view === undefined && !this.#openNext()) return true;
    if (this.#seek()) this.#closeView();
    return this.#candidate !== undefined;
  }

  /** The next candidate, when advance() found one. */
  get candidate(): { readonly seq: number; readonly time: number } | undefined {
    return this.#candidate;
  }

  /** Reads the candidate and goes on behind it. */
  take(): SealedRecord | undefined {
    if (this.#candidate === undefined || this.#view === undefined) return undefined;
    const record = this.#view.record(this.#candidate.seq - this.#view.head.first);
    this.#candidate = undefined;
    this.position = this.#options.order === 'newest-first' ? record.header.seq : record.header.seq + 1;
    return record;
  }

  #openNext(): boolean {
    const file = this.#files.pop();
    if (file === undefined) return false;
    this.#view = new SegmentView(this.#directory, file);
    const { head, index } = this.#view;
    if (this.#options.order === 'newest-first') {
      // Records appended from now on are no part of this scan, nor of the pages after it.
      this.position = Math.min(this.position, head.first + index.count);
      this.#entry = this.position - head.first - 1;
      this.#skipOld(head.previous);
    } else {
      this.#entry = Math.max(this.position - head.first, 0);
    }
    return true;
  }

  /** Leaves out older segments whose records all lie before `since`, by what their successor's head says of them. */
  #skipOld(previous: { first: number; timeMax: number } | null): void {
    let older = previous;
    while (older !== null && older.timeMax < this.#options.since && this.#files.at(-1)?.first === older.first) {
      const file = this.#files.pop();
      if (file === undefined) return;
      const fd = openSync(file.path, 'r');
      try {
        older = readSegmentHead(fd, file).head.previous;
      } finally {
        closeSync(fd);
      }
    }
  }

  /** True: the segment is at its end. */
  #seek(): boolean {
    const view = this.#view;
    if (view === undefined) return true;
    let left = entriesPerTurn;
    const step = this.#options.order === 'newest-first' ? -1 : 1;
    for (; this.#entry >= 0 && this.#entry < view.index.count; this.#entry += step) {
      if (left-- === 0) return false;
      if (!this.#options.matches(view.index, this.#entry)) continue;
      const seq = view.head.first + this.#entry;
      this.#candidate = { seq, time: view.index.time(this.#entry) };
      this.#entry += step;
      return false;
    }
    const end = view.head.first + view.index.count;
    this.position = step < 0 ? Math.min(this.position, view.head.first) : Math.max(this.position, end);
    return true;
  }

  #closeView(): void {
    this.#view?.close();
    this.#view = undefined;
  }

  close(): void {
    this.#closeView();
  }
}
