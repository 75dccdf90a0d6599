/** The value of a `Content-Length` field (RFC 9110 8.6, not trusted): digits alone, without the list form that a recipient may mend; else undefined. */
export function readContentLength(value: string): number | undefined {
  if (value.length === 0 || value.length > 15) return undefined;
  let length = 0;
  for (let at = 0; at < value.length; at++) {
    const digit = value.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    length = length * 10 + digit;
  }
  return length;
}
