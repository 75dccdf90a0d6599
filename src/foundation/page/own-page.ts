import { escapeHtml } from './escape-html.ts';
import { pageStyle } from './page-style.ts';

/** The same mark as the console's. */
const mark =
  '<svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true" focusable="false"><path d="M20.6 8.6A9 9 0 1 0 23.9 12.2"/><path class="key" d="M9.6 22.4 25.5 6.5"/><path class="key" d="M22.6 9.4l2.6 2.6"/></svg>';

/** A page of ours in its frame. `title` is escaped here, `main` is HTML and must be already. */
export function ownPage({ title, main, isRefusal }: { title: string; main: string; isRefusal: boolean }): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<style>${pageStyle}</style>
</head>
<body>
<main${isRefusal ? ' class="refused"' : ''}>
<div class="brand">${mark}<span>Nullius</span></div>
<h1>${escapeHtml(title)}</h1>
${main}</main>
</body>
</html>
`;
}

/** Words for people quote values in backticks; here they become code. An odd backtick stays one. */
export function wordsHtml(words: string): string {
  const parts = words.split('`');
  if (parts.length % 2 === 0) return escapeHtml(words);
  return parts.map((part, at) => (at % 2 === 0 ? escapeHtml(part) : `<code>${escapeHtml(part)}</code>`)).join('');
}
