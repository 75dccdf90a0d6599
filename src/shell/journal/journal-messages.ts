import type { CheckpointStatement, JournalRepair, LogErrorCode, SyncMode } from '#evidence/log';

/** What the worker needs at birth. Keys are base64url. */
export interface WorkerSettings {
  readonly directory: string;
  readonly writer: string;
  readonly sync: SyncMode;
  readonly syncIntervalMs: number;
  readonly segmentBytesMax: number;
  readonly checkpointIntervalMs: number;
  readonly checkpointRecordsMax: number;
  /** Segments that are older go; null keeps everything. */
  readonly retentionMs: number | null;
  readonly reservePath: string;
  readonly reserveBytes: number;
  readonly systemKey: string;
  readonly strangerKey: string;
}

/**
 * A batch of events that were handed over together, as one text, because copying one long text between threads is much cheaper than
 * copying objects: the batch's number, `1` when it is reserved, else `0`, and `linesPerEvent` lines for each event. Nothing in an
 * event has a line end: numbers and ids cannot, JSON escapes them.
 */
export type JournalLines = string;
/** Lines before the first event. */
export const linesBeforeEvents = 2;
/** id, time, class, activity, severity, status, number of the key that seals it, policy sequence, fact revision, payload as JSON. */
export const linesPerEvent = 10;

/** Keys the worker has from its birth, and the first number of those it is told. */
export const systemKeyNumber = 0;
export const strangerKeyNumber = 1;
export const firstKeyNumber = 2;

/** A subject's key (base64url) under the number that batches name it by; no number is given twice. */
export interface SubjectKeyText {
  readonly number: number;
  readonly subject: string;
  readonly key: string;
}

export type ToWorker =
  | JournalLines
  /** Those the worker does not know yet, or that changed. Sent before the batches that need them. */
  | { readonly type: 'keys'; readonly keys: readonly SubjectKeyText[] }
  /** Forget the keys sent so far. */
  | { readonly type: 'forget-keys' }
  | { readonly type: 'signed'; readonly request: number; readonly note: string }
  | { readonly type: 'unsigned'; readonly request: number; readonly words: string }
  | { readonly type: 'has'; readonly request: number; readonly id: string }
  | { readonly type: 'close' };

export type FromWorker =
  /** The batch of this number is written. */
  | number
  | { readonly type: 'opened'; readonly size: number; readonly repair: JournalRepair | null }
  | { readonly type: 'refused'; readonly batch: number; readonly code: LogErrorCode; readonly words: string }
  | { readonly type: 'sign'; readonly request: number; readonly statement: CheckpointStatement }
  | { readonly type: 'has'; readonly request: number; readonly found: boolean }
  | { readonly type: 'notice'; readonly words: string }
  /** Nothing more can be written until the journal is opened again. */
  | { readonly type: 'broken'; readonly words: string }
  | { readonly type: 'failed'; readonly code: LogErrorCode; readonly words: string }
  | { readonly type: 'closed' };
