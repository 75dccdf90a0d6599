/** Why a gateway did not join, or has no identity it can use; in words for the operator. */
export class EnrolmentError extends Error {
  override readonly name = 'EnrolmentError';
  readonly code: 'bad-token' | 'not-control' | 'unreachable' | 'refused' | 'damaged';

  constructor(code: EnrolmentError['code'], message: string, options?: { cause: unknown }) {
    super(message, options);
    this.code = code;
  }
}
