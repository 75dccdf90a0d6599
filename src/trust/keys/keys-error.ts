export type KeysErrorCode = 'root-key-file' | 'unknown-root-key' | 'malformed-wrap' | 'not-authentic' | 'limit';

/** Why a key could not be read, wrapped or unwrapped. The message never holds key bytes. */
export class KeysError extends Error {
  override readonly name = 'KeysError';
  readonly code: KeysErrorCode;

  constructor(code: KeysErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
