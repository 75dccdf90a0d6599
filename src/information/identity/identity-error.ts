/** Why identity could not do what was asked. Messages are for people: no secrets, no stack. */
export type IdentityErrorCode =
  | 'invalid-request'
  | 'not-found'
  | 'expired'
  | 'conflict'
  | 'forbidden'
  | 'fresh-authentication-required'
  | 'sign-in-refused'
  | 'session-ended'
  | 'rate-limited'
  | 'too-large'
  | 'provider-unreachable'
  | 'unavailable';

/** The HTTP status that says the same (RFC 9110). */
const statuses: Record<IdentityErrorCode, number> = {
  'invalid-request': 400,
  'not-found': 404,
  expired: 410,
  conflict: 409,
  forbidden: 403,
  'fresh-authentication-required': 403,
  'sign-in-refused': 403,
  'session-ended': 401,
  'rate-limited': 429,
  'too-large': 413,
  'provider-unreachable': 502,
  unavailable: 503,
};

export class IdentityError extends Error {
  readonly code: IdentityErrorCode;
  readonly status: number;

  constructor(code: IdentityErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'IdentityError';
    this.code = code;
    this.status = statuses[code];
  }
}
