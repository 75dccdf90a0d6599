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
 * Events of one turn of the event loop, laid flat because copying a few long arrays between threads is much cheaper than
 * copying objects: `slotsPerEvent` values each, in the order of `eventSlots`.
 */
export type FlatEvents = (string | number)[];
/** id, time, class, activity, severity, status, subject (whose key seals it), policy sequence, fact revision, payload as JSON. */
export const slotsPerEvent = 10;

export type ToWorker =
  | {
      readonly type: 'batch';
      readonly batch: number;
      readonly isReserved: boolean;
      readonly events: FlatEvents;
    }
  /** Subject, key, subject, key …: those the worker does not know yet, or that changed. Sent before the batches that need them. */
  | { readonly type: 'keys'; readonly keys: readonly string[] }
  /** Forget the keys sent so far. */
  | { readonly type: 'forget-keys' }
  | { readonly type: 'signed'; readonly request: number; readonly note: string }
  | { readonly type: 'unsigned'; readonly request: number; readonly words: string }
  | { readonly type: 'has'; readonly request: number; readonly id: string }
  | { readonly type: 'close' };

export type FromWorker =
  | { readonly type: 'opened'; readonly size: number; readonly repair: JournalRepair | null }
  | { readonly type: 'written'; readonly batch: number }
  | { readonly type: 'refused'; readonly batch: number; readonly code: LogErrorCode; readonly words: string }
  | { readonly type: 'sign'; readonly request: number; readonly statement: CheckpointStatement }
  | { readonly type: 'has'; readonly request: number; readonly found: boolean }
  | { readonly type: 'notice'; readonly words: string }
  /** Nothing more can be written until the journal is opened again. */
  | { readonly type: 'broken'; readonly words: string }
  | { readonly type: 'failed'; readonly code: LogErrorCode; readonly words: string }
  | { readonly type: 'closed' };
