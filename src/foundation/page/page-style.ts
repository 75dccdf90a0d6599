import { createHash } from 'node:crypto';

/** The only style of the pages our processes write; the content security policy names it by its hash. Colours are those of console/theme.ts. */
export const pageStyle = `
:root{--page:#fbfaf8;--card:#ffffff;--sunken:#f1efeb;--text:#1b1a17;--soft:#68645c;--line:#e5e2dc;--accent:#0c6a5c;--press:#0c6a5c;--key:#14806f;--deny:#c4453d}
@media (prefers-color-scheme:dark){:root{--page:#191b1e;--card:#1f2124;--sunken:#151719;--text:#dedcd7;--soft:#9d9b95;--line:#303236;--accent:#76c3b4;--press:#14806f;--key:#4fb3a1;--deny:#d9685f}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);font:.9375rem/1.55 Inter,-apple-system,BlinkMacSystemFont,'Segoe UI','Noto Sans','Liberation Sans',system-ui,sans-serif;display:grid;min-height:100vh;min-height:100dvh;place-items:center;padding:1.5rem 1rem}
main{background:var(--card);border:1px solid var(--line);border-radius:8px;max-width:32rem;width:100%;padding:2rem 1.75rem;overflow-wrap:anywhere}
.brand,h1{font-family:'Iowan Old Style','Palatino Linotype','URW Palladio L',Palatino,'Source Serif 4','Liberation Serif',Georgia,serif;font-weight:600}
.brand{display:flex;align-items:center;gap:.5rem;font-size:1.1875rem;margin-bottom:1.5rem}
svg{fill:none;stroke:currentColor;stroke-width:3;stroke-linecap:round;flex:none}
.key{stroke:var(--key)}
h1{font-size:1.625rem;line-height:1.25;margin:0 0 1rem}
h2{font-size:.9375rem;margin:1.75rem 0 .5rem}
.reason{margin:0;border-left:3px solid var(--accent);padding:.1rem 0 .1rem .9rem}
.refused .reason{border-left-color:var(--deny)}
ul.reason{padding-left:2rem}
.actions{list-style:none;margin:0;padding:0;display:grid;gap:1.25rem}
.actions p{margin:0}
.actions p+*{margin-top:.625rem}
form{display:grid;gap:.5rem}
label{font-size:.8125rem;font-weight:600}
input[type=text]{font:inherit;color:inherit;background:var(--card);border:1px solid var(--soft);border-radius:3px;padding:.5rem .625rem;width:100%}
.button,button{display:inline-block;justify-self:start;font:inherit;font-weight:600;color:#ffffff;background:var(--press);border:0;border-radius:3px;padding:.5rem 1.125rem;text-decoration:none;cursor:pointer}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
dl{margin:2rem 0 0;padding-top:1.25rem;border-top:1px solid var(--line);display:grid;grid-template-columns:auto 1fr;gap:.35rem 1rem;font-size:.8125rem}
dt{color:var(--soft)}
dd{margin:0}
code{font:.92em ui-monospace,'SF Mono','Cascadia Mono','JetBrains Mono',Menlo,'Liberation Mono',monospace}
p code,li code{background:var(--sunken);border-radius:3px;padding:.1em .3em}
@media (max-width:30rem){body{padding:0;place-items:start stretch}main{max-width:none;min-height:100vh;min-height:100dvh;border:0;border-radius:0;padding:1.5rem 1.25rem}}
`;

/** SHA-256 of the style, base64, for the policy. */
export const pageStyleHash = createHash('sha256').update(pageStyle).digest('base64');
