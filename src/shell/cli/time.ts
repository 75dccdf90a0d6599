import { z } from 'zod';
import { parseDuration } from '../config/duration.ts';
import { CliError } from './failure.ts';

const iso = z.union([z.iso.date(), z.iso.datetime({ offset: true })]);

/**
 * A time of the command line in milliseconds: ISO 8601, as a date or with its zone, and as this program prints times, with a
 * space for the `T`. Nothing else that `Date.parse` takes: to it `7` is a July in 2001.
 */
export function parseTime(text: string): number {
  const written = text.replace(/^(\S{10}) /, '$1T');
  if (iso.safeParse(written).success) return Date.parse(written);
  throw new CliError('usage', `\`${text}\` is no time; write \`2026-01-31T12:00:00Z\``);
}

/** The same, or a duration: `7d` is seven days ago. */
export function parseTimeOrAgo(text: string): number {
  const ago = parseDuration(text);
  if (ago !== undefined) return Date.now() - ago;
  try {
    return parseTime(text);
  } catch {
    throw new CliError('usage', `\`${text}\` is no time; write \`2026-01-31T12:00:00Z\`, or \`7d\` for seven days ago`);
  }
}
