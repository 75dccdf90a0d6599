/**
 * `full`: no room now (queue or disk), try later. `io`: the disk failed, the journal must be opened again. `closed`: after
 * close(). `locked`: another process writes here. `damaged`: what lies on the disk contradicts a checkpoint. `invalid`: the
 * event or option is malformed. `not-found`: there is no such journal or event.
 */
export type LogErrorCode = 'full' | 'io' | 'closed' | 'locked' | 'damaged' | 'invalid' | 'not-found';

/** What the journal throws when it cannot do its work. The caller then answers no. */
export class LogError extends Error {
  override readonly name = 'LogError';
  readonly code: LogErrorCode;

  constructor(code: LogErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Did the system refuse for want of space? */
export function isNoSpace(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ENOSPC' || code === 'EDQUOT';
}
