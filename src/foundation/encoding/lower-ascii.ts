/**
 * A to Z in small letters, all else as it is. Where names are compared: Unicode's own small letters make other letters alike (the Kelvin
 * sign becomes `k`), and somebody else's name one's own.
 */
export function lowerAscii(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
