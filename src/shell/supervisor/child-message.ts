import { noticeLengthMax } from '#shell/child';
import type { ChildMessage } from '#shell/wire';

/**
 * Reads a message from a child. The gateway parses the internet, so a child is not trusted: what is not one of the
 * agreed messages is dropped, and words lose control characters, which could drive the operator's terminal.
 * Written by hand, not with a schema library, because the supervisor stays small.
 */
export function parseChildMessage(value: unknown): ChildMessage | undefined {
  if (typeof value !== 'object' || value === null || !('type' in value)) return undefined;
  if (value.type === 'ready') {
    const detail = 'detail' in value && typeof value.detail === 'object' && value.detail !== null ? value.detail : {};
    return { type: 'ready', detail: { ...detail } };
  }
  if (value.type === 'failed' && 'message' in value) return { type: 'failed', message: plainWords(value.message) };
  if (value.type === 'notice' && 'line' in value) return { type: 'notice', line: plainWords(value.line) };
  return undefined;
}

function plainWords(value: unknown): string {
  return String(value)
    .slice(0, noticeLengthMax)
    .replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, ' ');
}
