const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Text for HTML element content. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? '');
}

const detailCharactersMax = 300;

/** The page for a request the provider refuses before there is an app to go back to. `detail` may echo input: escaped. */
export function errorPage(detail: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Sign-in could not go on</title>
</head>
<body>
<main>
<h1>Sign-in could not go on</h1>
<p>${escapeHtml(detail.slice(0, detailCharactersMax))}</p>
<p>Go back to the app and begin again.</p>
</main>
</body>
</html>`;
}
