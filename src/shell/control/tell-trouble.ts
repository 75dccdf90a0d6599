import type { Clock } from '#foundation/model';

const repeatMs = 60_000;
const wordsMax = 100;

interface Told {
  readonly at: number;
  readonly times: number;
}

/**
 * Tells the operator of errors. What goes wrong several times a second, as all does that reads a store that is away, is said at once and
 * then once a minute, with how often it was.
 */
export function tellTrouble(notice: (line: string) => void, clock: Clock): (error: unknown) => void {
  const told = new Map<string, Told>();
  return (error) => {
    const words = error instanceof Error ? error.message : String(error);
    const now = clock();
    const before = told.get(words);
    // The wall clock may have been set back.
    if (before !== undefined && now >= before.at && now - before.at < repeatMs) {
      told.set(words, { ...before, times: before.times + 1 });
      return;
    }
    told.delete(words);
    const [oldest] = told.keys();
    if (told.size >= wordsMax && oldest !== undefined) told.delete(oldest);
    told.set(words, { at: now, times: 0 });
    notice(
      `control: ${words}${before === undefined || before.times === 0 ? '' : ` (and ${before.times} times before)`}`,
    );
  };
}
