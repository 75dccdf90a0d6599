import { escapeHtml, ownPage, pageStyleHash, wordsHtml } from '#foundation/page';

/** Something the person can do about it. `endpoint` is one of ours, below `/.nullius/`. */
export type RefusalAction =
  | { readonly kind: 'link'; readonly label: string; readonly endpoint: string; readonly words: string }
  /** A POST form; with `reasonLabel` it asks for a reason in one text field named `reason`. */
  | {
      readonly kind: 'form';
      readonly label: string;
      readonly endpoint: string;
      readonly words: string;
      readonly fields: Readonly<Record<string, string>>;
      readonly reasonLabel: string | null;
    }
  | { readonly kind: 'words'; readonly words: string };

/** What a refused person or program is told. Every text may be attacker-controlled. */
export interface RefusalView {
  readonly status: number;
  /** One short line: `You may not open this page`. */
  readonly title: string;
  /** What was asked: method, host and path as parsed. */
  readonly asked: { readonly method: string; readonly host: string; readonly path: string } | null;
  /** Who asked, as established; null for strangers. */
  readonly who: string | null;
  /** Why not, in the policy author's own words. */
  readonly reasons: readonly string[];
  readonly actions: readonly RefusalAction[];
  /** Finds the event in the journal. */
  readonly correlationId: string;
}

export interface Answer {
  readonly status: number;
  /** Flat: name, value. */
  readonly headers: string[];
  readonly body: string;
}

/** No script, no frame, no outside resource; forms go to this host alone. */
export const refusalContentSecurityPolicy = `default-src 'none'; style-src 'sha256-${pageStyleHash}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`;

const common = [
  'cache-control',
  'no-store',
  'x-content-type-options',
  'nosniff',
  'referrer-policy',
  'no-referrer',
  'x-frame-options',
  'DENY',
  'cross-origin-resource-policy',
  'same-origin',
  'cross-origin-opener-policy',
  'same-origin',
];

/** The refusal as a page: no script, readable on a phone, by keyboard and by screen reader, in light and dark. */
export function refusalPage(view: RefusalView): Answer {
  const body = ownPage({
    title: view.title,
    isRefusal: view.status >= 400,
    main: `${reasonsHtml(view.reasons)}${actionsHtml(view.actions)}<dl>
${askedHtml(view)}${statusHtml(view)}<dt>Reference</dt><dd><code>${escapeHtml(view.correlationId)}</code></dd>
</dl>
`,
  });
  return {
    status: view.status,
    headers: [
      ...common,
      'content-type',
      'text/html; charset=utf-8',
      'content-security-policy',
      refusalContentSecurityPolicy,
      'content-length',
      `${Buffer.byteLength(body)}`,
    ],
    body,
  };
}

/** For whoever is asked what the page said; for an answer that is no refusal it says nothing. */
function statusHtml({ status }: RefusalView): string {
  return status < 400 ? '' : `<dt>Status</dt><dd>${status}</dd>\n`;
}

function reasonsHtml(reasons: readonly string[]): string {
  const [only] = reasons;
  if (only === undefined) return '';
  if (reasons.length === 1) return `<p class="reason">${wordsHtml(only)}</p>\n`;
  return `<ul class="reason">${reasons.map((reason) => `<li>${wordsHtml(reason)}</li>`).join('')}</ul>\n`;
}

function actionsHtml(actions: readonly RefusalAction[]): string {
  if (actions.length === 0) return '';
  const items = actions.map((action, index) => `<li>${actionHtml(action, index)}</li>`).join('\n');
  return `<section aria-labelledby="what-next"><h2 id="what-next">What you can do</h2>\n<ul class="actions">${items}</ul></section>\n`;
}

function actionHtml(action: RefusalAction, index: number): string {
  const words = `<p>${wordsHtml(action.words)}</p>`;
  if (action.kind === 'words') return words;
  if (!action.endpoint.startsWith('/.nullius/')) return words;
  if (action.kind === 'link') {
    return `${words}<a class="button" href="${escapeHtml(action.endpoint)}">${escapeHtml(action.label)}</a>`;
  }
  const hidden = Object.entries(action.fields)
    .map(([name, value]) => `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`)
    .join('');
  const reason =
    action.reasonLabel === null
      ? ''
      : `<label for="reason-${index}">${escapeHtml(action.reasonLabel)}</label><input id="reason-${index}" name="reason" type="text" required maxlength="500" autocomplete="off">`;
  return `${words}<form method="post" action="${escapeHtml(action.endpoint)}">${hidden}${reason}<button type="submit">${escapeHtml(action.label)}</button></form>`;
}

function askedHtml(view: RefusalView): string {
  const who = view.who === null ? '' : `<dt>Signed in as</dt><dd>${escapeHtml(view.who)}</dd>\n`;
  if (view.asked === null) return who;
  const { method, host, path } = view.asked;
  return `<dt>Asked for</dt><dd><code>${escapeHtml(method)} ${escapeHtml(host)}${escapeHtml(path)}</code></dd>\n${who}`;
}

/** The same as an RFC 9457 problem document. */
export function refusalProblem(view: RefusalView): Answer {
  const body = JSON.stringify({
    type: 'about:blank',
    title: view.title,
    status: view.status,
    ...(view.reasons.length > 0 ? { detail: view.reasons.join(' ') } : {}),
    ...(view.asked === null ? {} : { instance: view.asked.path }),
    reasons: view.reasons,
    remedies: view.actions.map((action) => ({
      words: action.words,
      ...(action.kind === 'words' ? {} : { endpoint: action.endpoint }),
    })),
    correlationId: view.correlationId,
  });
  return {
    status: view.status,
    headers: [...common, 'content-type', 'application/problem+json', 'content-length', `${Buffer.byteLength(body)}`],
    body,
  };
}
