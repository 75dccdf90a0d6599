/** `invalid-fact`: a row is not what its kind's schema says. `stale-revision`: an update does not lie after what is held. */
export type InventoryErrorCode = 'invalid-fact' | 'stale-revision';

export class InventoryError extends Error {
  readonly code: InventoryErrorCode;
  constructor(code: InventoryErrorCode, message: string) {
    super(message);
    this.name = 'InventoryError';
    this.code = code;
  }
}
