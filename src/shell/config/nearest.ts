/** Levenshtein distance of two short words. */
export function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const current = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(substitution, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}

/** The known word a person most likely meant, or undefined when none is near enough to be a help. */
export function nearestWord(word: string, known: Iterable<string>): string | undefined {
  const lower = word.slice(0, 100).toLowerCase();
  let best: { word: string; distance: number } | undefined;
  for (const candidate of known) {
    const distance = editDistance(lower, candidate.toLowerCase());
    if (best === undefined || distance < best.distance) best = { word: candidate, distance };
  }
  if (best === undefined) return undefined;
  // Of three letters two that differ leave another word.
  const distanceMax = best.word.length <= 3 ? 1 : Math.max(2, Math.floor(best.word.length / 2));
  return best.distance <= distanceMax ? best.word : undefined;
}
