import { z } from 'zod';
import { formatDuration, parseDuration } from './duration.ts';

/** A duration in YAML, such as `30m`, between the two bounds (milliseconds). */
export function durationSchema(bounds: { readonly minMs: number; readonly maxMs: number }) {
  return z.string().transform((text, context) => {
    const ms = parseDuration(text);
    if (ms === undefined) {
      context.addIssue({
        code: 'custom',
        message: 'is no duration; write a whole number and a unit, such as `90s`, `30m`, `12h` or `7d`',
      });
      return z.NEVER;
    }
    if (ms < bounds.minMs || ms > bounds.maxMs) {
      context.addIssue({
        code: 'custom',
        message: `must lie between ${formatDuration(bounds.minMs)} and ${formatDuration(bounds.maxMs)}`,
      });
      return z.NEVER;
    }
    return ms;
  });
}
