export type SigningErrorCode = 'unreadable' | 'refused' | 'unknown-key' | 'not-authentic';

/** Why something was not signed, or did not verify. Never holds key bytes. */
export class SigningError extends Error {
  override readonly name = 'SigningError';
  readonly code: SigningErrorCode;

  constructor(code: SigningErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
