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
  /** The events in the block of this number are to be written. The block is the worker's until it answers. */
  | number
  /** Memory of a block, before it is used the first time; null when it will not be used again. */
  | { readonly type: 'block'; readonly number: number; readonly memory: SharedArrayBuffer | null }
  /** Those the worker does not know yet, or that changed. Sent before the batches that need them. */
  | { readonly type: 'keys'; readonly keys: readonly SubjectKeyText[] }
  /** Forget the keys sent so far. */
  | { readonly type: 'forget-keys' }
  | { readonly type: 'signed'; readonly request: number; readonly note: string }
  | { readonly type: 'unsigned'; readonly request: number; readonly words: string }
  | { readonly type: 'has'; readonly request: number; readonly id: string }
  | { readonly type: 'close' };

export type FromWorker =
  /** The events in the block of this number are written. */
  | number
  | { readonly type: 'opened'; readonly size: number; readonly repair: JournalRepair | null }
  | { readonly type: 'refused'; readonly block: number; readonly code: LogErrorCode; readonly words: string }
  | { readonly type: 'sign'; readonly request: number; readonly statement: CheckpointStatement }
  | { readonly type: 'has'; readonly request: number; readonly found: boolean }
  | { readonly type: 'notice'; readonly words: string }
  /** Nothing more can be written until the journal is opened again. */
  | { readonly type: 'broken'; readonly words: string }
  | { readonly type: 'failed'; readonly code: LogErrorCode; readonly words: string }
  | { readonly type: 'closed' };
