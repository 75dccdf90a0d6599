/** Text that JSON writes as it is, between quotes. */
const plainText = /^[ !#-[\]-~]*$/;

/** JSON of a text. Most are plain, and then looking is cheaper than JSON.stringify(). */
export function jsonText(text: string): string {
  return plainText.test(text) ? `"${text}"` : JSON.stringify(text);
}
