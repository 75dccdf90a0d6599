// The parser hands policies over as JSON numbers, which rounds integers beyond 2^53. So each such literal is hidden behind a
// smaller one that stands nowhere else in the text, and put back afterwards.

const token = /\/\/[^\n\r]*|"(?:[^"\\]|\\[\s\S])*"|[A-Za-z_][A-Za-z0-9_]*|[0-9]+|[\s\S]/gy;

/** Replaces integer literals beyond 2^53. `revealed` is null when there are none. */
export function hideLargeIntegers(text: string): { text: string; revealed: ReadonlyMap<number, bigint> | null } {
  if (!/[0-9]{16}/.test(text)) return { text, revealed: null };
  const tokens = text.match(token) ?? [];
  const isInteger = (part: string) => /^[0-9]/.test(part);
  const taken = new Set(tokens.filter(isInteger).map(Number));
  const revealed = new Map<number, bigint>();
  let candidate = Number.MAX_SAFE_INTEGER;
  const hidden = tokens.map((part) => {
    if (!isInteger(part) || Number.isSafeInteger(Number(part))) return part;
    while (taken.has(candidate)) candidate -= 1;
    revealed.set(candidate, BigInt(part));
    candidate -= 1;
    return String(candidate + 1);
  });
  return revealed.size === 0 ? { text, revealed: null } : { text: hidden.join(''), revealed };
}

/** Puts the integers back into Cedar's JSON of the policy. */
export function revealLargeIntegers(json: unknown, revealed: ReadonlyMap<number, bigint>): unknown {
  if (typeof json === 'number') {
    const large = revealed.get(Math.abs(json));
    return large === undefined ? json : json < 0 ? -large : large;
  }
  if (Array.isArray(json)) return json.map((item) => revealLargeIntegers(item, revealed));
  if (typeof json !== 'object' || json === null) return json;
  return Object.fromEntries(Object.entries(json).map(([key, item]) => [key, revealLargeIntegers(item, revealed)]));
}
