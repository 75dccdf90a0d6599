/**
 * - `unreachable`: control does not answer, or the connection broke
 * - `refused`: control answered with a refusal (`status` in the message)
 * - `removed`: control knows this gateway no more: nothing that was held may be believed
 * - `silent`: no frame came for too long
 * - `malformed`: a frame or a line that the protocol does not know
 * - `not-authentic`: the snapshot's statement, digest or count, or a policy manifest, does not verify
 * - `replayed`: an epoch or revision older than one this gateway has seen
 * - `position`: the remembered epoch and revision cannot be read or written
 */
export type ReplicaErrorCode =
  | 'unreachable'
  | 'refused'
  | 'removed'
  | 'silent'
  | 'malformed'
  | 'not-authentic'
  | 'replayed'
  | 'position';

export class ReplicaError extends Error {
  readonly code: ReplicaErrorCode;
  constructor(code: ReplicaErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ReplicaError';
    this.code = code;
  }
}
