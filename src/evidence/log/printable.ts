// Control and format characters (which move the cursor, colour, hide or turn text) and the separators of lines and paragraphs.
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Makes attacker-controlled text safe to print on a terminal: whatever could act instead of being read becomes `�`. */
export function printable(text: string): string {
  return text.replace(unprintable, '\ufffd');
}
