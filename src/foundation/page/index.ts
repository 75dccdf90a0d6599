export { escapeHtml } from './escape-html.ts';
export { ownPage, wordsHtml } from './own-page.ts';
export { pageStyleHash } from './page-style.ts';
