const units: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['year', 365 * 86_400_000],
  ['month', 30 * 86_400_000],
  ['week', 7 * 86_400_000],
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
];

/** `3 minutes ago`, `in 2 days`, `just now`; the largest unit that fits, rounded towards zero. */
export function relativeTime(time: number, now: number, locale?: string): string {
  const difference = time - now;
  for (const [unit, length] of units) {
    if (Math.abs(difference) >= length) {
      return new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }).format(Math.trunc(difference / length), unit);
    }
  }
  return difference > 5_000 ? 'in less than a minute' : 'just now';
}

/** Exact time in the reader's zone, with the zone named. */
export function exactTime(time: number, options: { locale?: string; timeZone?: string } = {}): string {
  return new Intl.DateTimeFormat(options.locale, {
    dateStyle: 'medium',
    timeStyle: 'long',
    ...(options.timeZone === undefined ? {} : { timeZone: options.timeZone }),
  }).format(time);
}

/** `45 min`, `2 h`, `3 days`: a length of time in its largest whole unit. */
export function durationWords(durationMs: number): string {
  if (durationMs < 60_000) return `${Math.round(durationMs / 1000)} s`;
  const minutes = Math.round(durationMs / 60_000);
  if (minutes < 60 || minutes % 60 !== 0) return minutes < 120 ? `${minutes} min` : `${(minutes / 60).toFixed(1)} h`;
  const hours = minutes / 60;
  if (hours < 24 || hours % 24 !== 0) return `${hours} h`;
  return hours === 24 ? '1 day' : `${hours / 24} days`;
}
