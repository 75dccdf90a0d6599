import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { decodeJwt } from 'jose';

/** Clock streams at once: the demo is a toy and must not become a way to hold memory. */
const clockStreamsMax = 500;
const tickMs = 1000;

const styles = `:root{--page:#fbfaf8;--card:#ffffff;--text:#1b1a17;--soft:#68645c;--line:#e5e2dc;--accent:#0c6a5c;--deny:#b03029;color-scheme:light dark}
@media (prefers-color-scheme:dark){:root{--page:#191b1e;--card:#1f2124;--text:#dedcd7;--soft:#9d9b95;--line:#303236;--accent:#76c3b4;--deny:#d9685f}}
body{background:var(--page);color:var(--text);font:1rem/1.55 Inter,-apple-system,BlinkMacSystemFont,'Segoe UI','Noto Sans','Liberation Sans',system-ui,sans-serif;max-width:42rem;margin:3rem auto;padding:0 1rem}
h1{font-family:'Iowan Old Style','Palatino Linotype','URW Palladio L',Palatino,'Source Serif 4','Liberation Serif',Georgia,serif}
a{color:var(--accent)}
nav a{margin-right:1rem}
.card{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:1rem 1.25rem;margin:1.5rem 0}
#clock{font-size:2rem;font-variant-numeric:tabular-nums}
#clock.cut{color:var(--deny)}
small{color:var(--soft)}
code{font-family:ui-monospace,'SF Mono',Menlo,'Liberation Mono',monospace;overflow-wrap:anywhere}`;

const clockScript = `const clock = document.getElementById('clock');
const state = document.getElementById('state');
const source = new EventSource('/clock');
source.onmessage = (event) => { clock.textContent = event.data; clock.className = ''; state.textContent = 'The stream is open.'; };
source.onerror = () => { clock.className = 'cut'; state.textContent = 'The stream was cut.'; if (source.readyState === EventSource.CLOSED) state.textContent += ' It does not open again: load this page to sign in, or to see why not.'; };`;

const headers = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
};

interface Page {
  readonly title: string;
  readonly body: (visitor: Visitor) => string;
}

/** Who the gateway says is here. The demo believes the header because only the gateway reaches this socket; a real app verifies it. */
interface Visitor {
  readonly name: string | null;
  readonly decision: string;
}

const pages: Readonly<Record<string, Page>> = {
  '/': {
    title: 'A public page',
    body: ({ name }) =>
      `<p>Everyone may read this page${name === null ? ', and to this app you have not signed in' : `. You are <b>${name}</b>`}.</p>
<p><a href="/members">The page for everyone signed in</a> asks who you are. <a href="/administrators/">The page for administrators</a> says why not, and what would help.</p>`,
  },
  '/members': {
    title: 'For everyone signed in',
    body: ({ name }) =>
      `<p>You are <b>${name ?? 'nobody'}</b>: the gateway said so in a signed header, this app keeps no passwords.</p>
<div class="card"><div id="clock">…</div><p id="state">Opening the stream.</p></div>
<p>The clock comes over one long-lived connection. Revoke your session in the console (or run <code>bin/nullius session revoke --user ${name ?? ''}</code>) and watch it end.</p>
<script src="/clock.js"></script>`,
  },
  '/administrators/': {
    title: 'For administrators',
    body: ({ name }) => `<p><b>${name ?? 'Nobody'}</b> is an administrator, or this page would not have opened.</p>`,
  },
};

/** The demo app behind host `demo`: shows allow, refusal with a remedy, and a live cut. Knows nothing of policy. */
export function createDemoSite(): RequestListener {
  let streams = 0;
  return (request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    if (request.method !== 'GET' && request.method !== 'HEAD') return end(response, 405, 'Only GET here.');
    if (path === '/style.css') return send(response, 'text/css; charset=utf-8', styles);
    if (path === '/clock.js') return send(response, 'text/javascript; charset=utf-8', clockScript);
    if (path === '/clock') {
      if (streams >= clockStreamsMax) return end(response, 503, 'Too many clocks are open.');
      streams += 1;
      response.on('close', () => {
        streams -= 1;
      });
      return streamClock(response);
    }
    const page = pages[path === '/administrators' ? '/administrators/' : path];
    if (page === undefined) return end(response, 404, 'The demo has no such page.');
    response.writeHead(200, headers);
    response.end(render(page, visitorOf(request)));
  };
}

function streamClock(response: ServerResponse): void {
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  const tick = () => response.write(`data: ${new Date().toISOString().slice(11, 19)} UTC\n\n`);
  response.write('retry: 3000\n\n');
  tick();
  const timer = setInterval(tick, tickMs);
  response.on('close', () => clearInterval(timer));
}

function visitorOf(request: IncomingMessage): Visitor {
  const assertion = request.headers['nullius-assertion'];
  const decision = escapeHtml(String(request.headers['nullius-decision'] ?? ''));
  if (typeof assertion !== 'string') return { name: null, decision };
  const claims = decodeJwt(assertion);
  const name = claims['preferred_username'] ?? claims['name'] ?? claims.sub;
  return { name: escapeHtml(String(name)), decision };
}

function render(page: Page, visitor: Visitor): string {
  const decision =
    visitor.decision === ''
      ? ''
      : `<p><small>Decision <code>${visitor.decision}</code>: <code>bin/nullius policy explain ${visitor.decision}</code></small></p>`;
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${page.title} · Demo</title><link rel="stylesheet" href="/style.css"></head>
<body><nav><a href="/">Public</a><a href="/members">Signed in</a><a href="/administrators/">Administrators</a></nav><main><h1>${page.title}</h1>${page.body(visitor)}${decision}</main></body></html>`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

function send(response: ServerResponse, contentType: string, text: string): void {
  response.writeHead(200, {
    'content-type': contentType,
    'cache-control': 'no-cache',
    'x-content-type-options': 'nosniff',
  });
  response.end(text);
}

function end(response: ServerResponse, status: number, words: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' });
  response.end(`${words}\n`);
}
