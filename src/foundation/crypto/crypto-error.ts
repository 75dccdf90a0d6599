export type CryptoErrorCode = 'malformed' | 'unsupported-version' | 'not-authentic' | 'bad-key';

/** Why something sealed could not be opened. The message never holds key or plaintext bytes. */
export class CryptoError extends Error {
  override readonly name = 'CryptoError';
  readonly code: CryptoErrorCode;

  constructor(code: CryptoErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
