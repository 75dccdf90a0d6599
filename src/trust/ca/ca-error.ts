export type CaErrorCode = 'bad-request' | 'refused' | 'invalid' | 'acme';

/** Why a certificate was not issued. */
export class CaError extends Error {
  override readonly name = 'CaError';
  readonly code: CaErrorCode;

  constructor(code: CaErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
