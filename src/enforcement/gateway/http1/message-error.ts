/**
 * Bytes of the other side that are not an HTTP/1.1 message in exactly one reading. The words name the rule, never the bytes.
 * The connection they came on is closed, never used again.
 */
export class MessageError extends Error {
  readonly code = 'http1-message';
}
