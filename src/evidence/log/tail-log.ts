import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Keyring } from './journal-keys.ts';
import type { LogFilter } from './log-filter.ts';
import type { LogRecord } from './log-record.ts';
import { type Positions, scanLog } from './query-log.ts';
import { listSegments } from './segment-file.ts';
import { SegmentView } from './segment-view.ts';
import { listWriters } from './verify-log.ts';

export interface TailOptions {
  readonly directory: string;
  readonly keys: Keyring | (() => Keyring);
  readonly filter?: LogFilter;
  readonly signal: AbortSignal;
  readonly pollIntervalMs?: number;
}

const pageRecords = 200;

/** Gives records that are written from now on, oldest first, until the signal aborts. New writers are taken up as they appear. */
export async function* tailLog(options: TailOptions): AsyncGenerator<LogRecord> {
  const { directory, keys, filter = {}, signal, pollIntervalMs = 250 } = options;
  let positions: Positions = Object.fromEntries(
    listWriters(directory).map((writer) => [writer, currentSize(join(directory, writer))]),
  );
  let seen = '';
  while (!signal.aborted) {
    const now = lengths(directory);
    if (now !== seen) {
      const ring = typeof keys === 'function' ? keys() : keys;
      const page = await scanLog({
        directory,
        keys: ring,
        filter,
        order: 'oldest-first',
        limit: pageRecords,
        positions,
      });
      positions = page.positions;
      yield* page.records;
      if (!page.isAtEnd) continue;
      seen = now;
    }
    await pause(pollIntervalMs, undefined, { signal }).catch(() => undefined);
  }
}

/** Records in a writer's journal now. */
export function currentSize(directory: string): number {
  const last = listSegments(directory).at(-1);
  if (last === undefined) return 0;
  const view = new SegmentView(directory, last);
  try {
    return view.head.first + view.index.count;
  } finally {
    view.close();
  }
}

/** Changes whenever any journal grows. */
function lengths(directory: string): string {
  return listWriters(directory)
    .map((writer) => {
      const last = listSegments(join(directory, writer)).at(-1);
      return `${writer} ${last?.first} ${last?.bytes}`;
    })
    .join('\n');
}
