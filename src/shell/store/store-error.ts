/**
 * - `conflict`: a fact is not at the revision the caller expected, or exists already
 * - `invalid`: a change that no retry can make right
 * - `locked`: another process holds the database; nothing was written
 * - `unavailable`: the database cannot be reached, or its file is gone; whether an unanswered commit happened is unknown only
 *   when the connection broke during it
 * - `full`: no space; nothing was written
 * - `newer-schema`: the data was written by a newer version of the program
 * - `corrupt`: what was read cannot be what was written
 * - `not-empty`: a restore would overwrite data
 * - `pruned`: the revision asked for lies beyond the retention
 * - `closed`: the store was closed
 */
export type StoreErrorCode =
  | 'conflict'
  | 'invalid'
  | 'locked'
  | 'unavailable'
  | 'full'
  | 'newer-schema'
  | 'corrupt'
  | 'not-empty'
  | 'pruned'
  | 'closed';

export class StoreError extends Error {
  readonly code: StoreErrorCode;
  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StoreError';
    this.code = code;
  }
}
