import { createHash } from 'node:crypto';

/** The only style of our refusal pages; the content security policy names it by its hash. */
export const refusalStyle = `
:root{--page:#f6f7f9;--card:#fff;--text:#1b2430;--soft:#566273;--line:#dde2e9;--accent:#1f5fd0;--on-accent:#fff}
@media (prefers-color-scheme:dark){:root{--page:#11161d;--card:#1a212b;--text:#e7ecf3;--soft:#9fabbb;--line:#2d3743;--accent:#7fb0ff;--on-accent:#0c1420}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);font:1rem/1.55 system-ui,sans-serif;display:grid;min-height:100vh;place-items:center;padding:1rem}
main{background:var(--card);border:1px solid var(--line);border-radius:14px;max-width:34rem;width:100%;padding:clamp(1.25rem,5vw,2.5rem);overflow-wrap:anywhere}
h1{font-size:1.5rem;line-height:1.25;margin:.1rem 0 1rem}
h2{font-size:1rem;margin:1.75rem 0 .5rem}
.status{color:var(--soft);font-variant-numeric:tabular-nums;letter-spacing:.08em;margin:0}
.reason{font-size:1.06rem;margin:0;border-left:3px solid var(--accent);padding:.1rem 0 .1rem .9rem;list-style-position:inside}
.actions{list-style:none;margin:0;padding:0;display:grid;gap:1rem}
.actions p{margin:0 0 .5rem}
form{display:grid;gap:.5rem;margin:0}
label{color:var(--soft);font-size:.92rem}
input[type=text]{font:inherit;color:inherit;background:var(--page);border:1px solid var(--soft);border-radius:8px;padding:.55rem .7rem;width:100%}
.button,button{display:inline-block;justify-self:start;font:inherit;font-weight:600;color:var(--on-accent);background:var(--accent);border:0;border-radius:8px;padding:.6rem 1.1rem;text-decoration:none;cursor:pointer}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
dl{margin:2rem 0 0;padding-top:1.25rem;border-top:1px solid var(--line);display:grid;grid-template-columns:auto 1fr;gap:.35rem 1rem;font-size:.9rem}
dt{color:var(--soft)}
dd{margin:0}
code{font:.92em ui-monospace,monospace}
`;

/** SHA-256 of the style, base64, for the policy. */
export const refusalStyleHash = createHash('sha256').update(refusalStyle).digest('base64');
