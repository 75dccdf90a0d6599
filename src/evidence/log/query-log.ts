import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { findInSegments } from './find-record.ts';
import type { Keyring } from './journal-keys.ts';
import { LogError } from './log-error.ts';
import { entryFilter, type LogFilter, recordFilter } from './log-filter.ts';
import { type LogRecord, openRecord } from './log-record.ts';
import { type ScanOrder, WriterScan } from './scan-writer.ts';
import { listWriters } from './verify-log.ts';

export interface QueryOptions {
  /** The folder that holds one folder per writer. */
  readonly directory: string;
  readonly keys: Keyring;
  readonly filter?: LogFilter;
  /** Records to give, at most `queryLimitMax`. */
  readonly limit?: number;
  /** `next` of an earlier answer; attacker-controlled. */
  readonly cursor?: string;
  readonly order?: ScanOrder;
}

export interface QueryAnswer {
  readonly records: LogRecord[];
  /** Where to go on, or null at the end. An answer may be short and still go on: see `openedRecordsMax`. */
  readonly next: string | null;
}

export const queryLimitMax = 1000;
/** Records that one query opens at most; then it gives what it found and a cursor. */
export const openedRecordsMax = 50_000;
const recordsPerTurn = 256;

/** Where each writer's scan stands, by writer. */
export type Positions = Readonly<Record<string, number>>;

/**
 * Gives records that match, merged from all writers by time (newest first unless told otherwise), a page at a time.
 * An event id is found through the index without a scan, in every journal that has it. Throws LogError `invalid` for a cursor we did not
 * make, `damaged` when a record cannot be read.
 */
export async function queryLog(options: QueryOptions): Promise<QueryAnswer> {
  const { directory, keys, filter = {}, order = 'newest-first' } = options;
  const limit = Math.min(Math.max(options.limit ?? 50, 1), queryLimitMax);
  if (filter.id !== undefined) return { records: await findById(options, filter.id), next: null };
  const positions = options.cursor === undefined ? {} : parseCursor(options.cursor);
  const scanned = await scanLog({ directory, keys, filter, order, limit, positions });
  return { records: scanned.records, next: scanned.isAtEnd ? null : formatCursor(scanned.positions) };
}

/** An id is its writer's choice: of a writer that was taken over it may be another's, so every record that has it is given. */
async function findById({ directory, keys, filter = {} }: QueryOptions, id: string): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for (const writer of wantedWriters(directory, filter)) {
    for (const found of findInSegments(join(directory, writer), id)) {
      if (found !== undefined) records.push(openRecord(found, keys));
      await nextTurn();
    }
  }
  return records.filter(recordFilter(filter));
}

function wantedWriters(directory: string, { writer }: LogFilter): string[] {
  return listWriters(directory).filter((name) => writer === undefined || name === writer);
}

export interface ScanRequest {
  readonly directory: string;
  readonly keys: Keyring;
  readonly filter: LogFilter;
  readonly order: ScanOrder;
  readonly limit: number;
  readonly positions: Positions;
}

export interface ScanAnswer {
  readonly records: LogRecord[];
  readonly positions: Positions;
  readonly isAtEnd: boolean;
}

/** The scan under queryLog(), tailLog() and exportLog(): merges the writers' scans by time, turn by turn of the event loop. */
export async function scanLog({ directory, keys, filter, order, limit, positions }: ScanRequest): Promise<ScanAnswer> {
  const matches = entryFilter(filter, keys);
  const isMatch = recordFilter(filter);
  const sign = order === 'newest-first' ? -1 : 1;
  const scans = new Map<string, WriterScan>();
  const records: LogRecord[] = [];
  let isAtEnd = false;
  try {
    for (const writer of wantedWriters(directory, filter)) {
      const position = positions[writer];
      scans.set(
        writer,
        new WriterScan(join(directory, writer), { order, position, since: filter.since ?? 0, matches }),
      );
    }
    for (let opened = 0; records.length < limit && opened < openedRecordsMax; opened += 1) {
      for (const each of scans.values()) while (!each.advance()) await nextTurn();
      const scan = nearest(scans.values(), sign);
      if (scan === undefined) {
        isAtEnd = true;
        break;
      }
      const sealed = scan.take();
      if (sealed === undefined) throw new Error('INVARIANT: a scan with a candidate can take it');
      const record = openRecord(sealed, keys);
      if (isMatch(record)) records.push(record);
      if (opened % recordsPerTurn === recordsPerTurn - 1) await nextTurn();
    }
    const reached = Object.fromEntries([...scans].map(([writer, scan]) => [writer, scan.position]));
    return { records, positions: { ...positions, ...reached }, isAtEnd };
  } finally {
    for (const scan of scans.values()) scan.close();
  }
}

function nearest(scans: Iterable<WriterScan>, sign: 1 | -1): WriterScan | undefined {
  let best: WriterScan | undefined;
  let bestTime = 0;
  for (const scan of scans) {
    const { candidate } = scan;
    if (candidate === undefined || (best !== undefined && sign * candidate.time >= sign * bestTime)) continue;
    best = scan;
    bestTime = candidate.time;
  }
  return best;
}

function formatCursor(positions: Positions): string {
  return Buffer.from(JSON.stringify(positions)).toString('base64url');
}

const cursorBytesMax = 8192;

function parseCursor(cursor: string): Positions {
  const refused = new LogError(
    'invalid',
    `\`${cursor.slice(0, 40)}\` is no cursor of this log: start again without one`,
  );
  if (cursor.length > cursorBytesMax) throw refused;
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    throw refused;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refused;
  const entries = Object.entries(value as Record<string, unknown>);
  if (!entries.every(([, position]) => Number.isSafeInteger(position) && Number(position) >= 0)) throw refused;
  return Object.fromEntries(entries.map(([writer, position]) => [writer, Number(position)]));
}
