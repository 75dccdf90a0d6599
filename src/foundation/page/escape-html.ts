const replacements: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
};

/**
 * The one way text (attacker-controlled) enters our pages, in element content and in double-quoted attributes. Control and
 * bidirectional override characters, which could hide or reorder words, become U+FFFD.
 */
export function escapeHtml(text: string): string {
  return text
    .replaceAll(/(?![\t\n\r])\p{Cc}|[\u202a-\u202e\u2066-\u2069]/gu, '\ufffd')
    .replaceAll(/[&<>"'`]/g, (char) => replacements[char] ?? '');
}
