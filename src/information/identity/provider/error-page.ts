import { ownPage, pageStyleHash, wordsHtml } from '#foundation/page';

const detailCharactersMax = 300;

/** What the page needs beyond nothing is its style. */
export const errorPagePolicy = `default-src 'none'; style-src 'sha256-${pageStyleHash}'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'`;

/** The page for a request the provider refuses before there is an app to go back to. `detail` may echo input: escaped. */
export function errorPage(detail: string): string {
  return ownPage({
    title: 'Sign-in could not go on',
    isRefusal: true,
    main: `<p class="reason">${wordsHtml(detail.slice(0, detailCharactersMax))}</p>
<p>Go back to the app and begin again.</p>
`,
  });
}
