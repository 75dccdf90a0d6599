/** Arrays and objects nest this deep at most, in requests of callers. */
export const jsonDepthMax = 32;

const quote = 0x22;
const backslash = 0x5c;

export type StrictJson = { readonly value: unknown } | { readonly problem: string };

/**
 * Parses JSON (RFC 8259, I-JSON's rule on names): a name that stands twice in one object is refused, because two readers may take
 * different ones, and so is deep nesting. `bytes` are attacker-controlled.
 */
export function parseStrictJson(bytes: Buffer): StrictJson {
  const marks = countMarks(bytes);
  if (marks.depth > jsonDepthMax) return { problem: `the JSON nests deeper than ${jsonDepthMax} levels` };
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    return { problem: 'the body is not valid JSON' };
  }
  // In valid JSON every colon outside a string belongs to one member; a member that was overwritten is missing in the value.
  if (marks.colons !== countMembers(value)) return { problem: 'a name stands twice in one object' };
  return { value };
}

/** Colons outside strings, and how deep brackets nest. In UTF-8, all these marks are bytes that stand for nothing else. */
function countMarks(bytes: Buffer): { readonly colons: number; readonly depth: number } {
  const end = bytes.length;
  let colons = 0;
  let open = 0;
  let depth = 0;
  for (let at = 0; at < end; at += 1) {
    const code = bytes[at];
    if (code === quote) {
      for (at += 1; at < end; at += 1) {
        const inside = bytes[at];
        if (inside === quote) break;
        if (inside === backslash) at += 1;
      }
    } else if (code === 0x3a) colons += 1;
    else if (code === 0x7b || code === 0x5b) {
      open += 1;
      if (open > depth) depth = open;
    } else if (code === 0x7d || code === 0x5d) open -= 1;
  }
  return { colons, depth };
}

function countMembers(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value) count += countMembers(item);
    return count;
  }
  // Without a list of names for each: all that JSON gave has own members only, and any other would be one too many.
  for (const name in value) count += 1 + countMembers((value as Record<string, unknown>)[name]);
  return count;
}
