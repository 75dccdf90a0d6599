import { z } from 'zod';
import { formatDuration, parseDuration } from './duration.ts';

/** A duration in YAML, such as `30m`, between the two bounds (milliseconds). */
export function durationSchema(bounds: { readonly minMs: number; readonly maxMs: number }) {
  return z.unknown().transform((value, context): number => {
    if (typeof value === 'number') {
      context.addIssue({
        code: 'custom',
        message: `has no unit; write \`${value}s\`, \`${value}m\`, \`${value}h\` or \`${value}d\``,
      });
      return z.NEVER;
    }
    const ms = typeof value === 'string' ? parseDuration(value) : undefined;
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
