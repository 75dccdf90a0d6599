/** Arrays and objects nest this deep at most, in requests of callers. */
export const jsonDepthMax = 32;

const quote = 0x22;
const backslash = 0x5c;

export type StrictJson = { readonly value: unknown } | { readonly problem: string };

/**
 * Parses JSON (RFC 8259, I-JSON's rule on names): a name that stands twice in one object is refused, because two readers may take
 * different ones, and so is deep nesting. `text` is attacker-controlled.
 */
export function parseStrictJson(text: string): StrictJson {
  const marks = countMarks(text);
  if (marks.depth > jsonDepthMax) return { problem: `the JSON nests deeper than ${jsonDepthMax} levels` };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { problem: 'the body is not valid JSON' };
  }
  // In valid JSON every colon outside a string belongs to one member; a member that was overwritten is missing in the value.
  if (marks.colons !== countMembers(value)) return { problem: 'a name stands twice in one object' };
  return { value };
}

/** Colons outside strings, and how deep brackets nest. */
function countMarks(text: string): { readonly colons: number; readonly depth: number } {
  let colons = 0;
  let open = 0;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case quote:
        at = endOfString(text, at + 1);
        break;
      case 0x3a:
        colons++;
        break;
      case 0x7b:
      case 0x5b:
        open++;
        if (open > depth) depth = open;
        break;
      case 0x7d:
      case 0x5d:
        open--;
        break;
    }
  }
  return { colons, depth };
}

/** Where the string that began before `from` ends; the end of the text when it does not. */
export function endOfString(text: string, from: number): number {
  for (let end = text.indexOf('"', from); end >= 0; end = text.indexOf('"', end + 1)) {
    let escapes = 0;
    while (text.charCodeAt(end - 1 - escapes) === backslash && end - 1 - escapes >= from) escapes++;
    if (escapes % 2 === 0) return end;
  }
  return text.length;
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
