// Keeps the import rules of docs/ARCHITECTURE.md. Reads imports as text: TypeScript 7 has no stable parser API.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';

interface ImportLine {
  file: string;
  from: string;
  target: string;
  isType: boolean;
}

/** A room may import these rooms besides `foundation` and itself; each exception has its reason. */
const exceptions: Record<string, { room: string; why: string }[]> = {
  'decision/administration': [
    { room: 'decision/engine', why: 'remedies and re-judging ask the engine hypothetical questions' },
  ],
  'decision/parser': [{ room: 'decision/engine', why: 'it makes what the engine compiles, in the engine’s words' }],
  'decision/analysis': [
    { room: 'decision/engine', why: 'explaining and simulating is deciding again' },
    { room: 'decision/administration', why: 'what is rehearsed is what the door would answer' },
  ],
  'decision/proof': [{ room: 'decision/engine', why: 'what the solver finds is put to the engine before it is told' }],
  'enforcement/segmentation': [{ room: 'decision/engine', why: 'packet rules are compiled from policy' }],
};

/** Third-party packages and Node modules that do I/O, per room; a room not listed may use none of them. */
const ioModules = new Set([
  'node:fs',
  'node:fs/promises',
  'node:net',
  'node:tls',
  'node:http',
  '#foundation/http',
  'node:https',
  'node:http2',
  'node:dns',
  'node:dns/promises',
  'node:child_process',
  'node:worker_threads',
  'node:sqlite',
  'node:dgram',
  'pg',
  'kysely',
  'hono',
  '@hono/node-server',
  'acme-client',
  'oidc-provider',
  'openid-client',
]);
const ioAllowed: Record<string, string[]> = {
  'enforcement/gateway': [
    'node:http',
    '#foundation/http',
    'node:https',
    'node:http2',
    'node:net',
    'node:tls',
    'node:dns',
  ],
  'information/identity': ['oidc-provider', 'openid-client', 'node:http', '#foundation/http'],
  'evidence/log': ['node:fs', 'node:fs/promises'],
  'trust/ca': ['acme-client'],
};

const importPattern = /^(?:import|export)[^;]*?from\s+'([^']+)'|^import\s+'([^']+)'|\bimport\(\s*'([^']+)'\s*\)/gm;

function roomOf(path: string): string {
  const parts = path.split('/');
  return `${parts[1]}/${parts[2]}`;
}

function importsOf(file: string): ImportLine[] {
  const text = readFileSync(file, 'utf8');
  const lines: ImportLine[] = [];
  for (const match of text.matchAll(importPattern)) {
    const from = match[1] ?? match[2] ?? match[3] ?? '';
    const target = from.startsWith('#')
      ? `src/${from.slice(1)}/index.ts`
      : from.startsWith('.')
        ? normalize(join(dirname(file), from))
        : from;
    lines.push({ file, from, target, isType: /^(?:import|export) type /.test(match[0]) });
  }
  return lines;
}

const isTest = (file: string) => /\.(test|fuzz|bench)\.ts$/.test(file);
const files = globSync('src/**/*.ts').sort();
const productImports = files.filter((file) => !isTest(file)).flatMap(importsOf);

test('foundation imports only foundation', () => {
  const wrong = productImports.filter(
    (line) =>
      line.file.startsWith('src/foundation/') &&
      line.target.startsWith('src/') &&
      !line.target.startsWith('src/foundation/'),
  );
  assert.deepEqual(wrong, []);
});

test('a domain room imports foundation, itself and its named exceptions', () => {
  const wrong = productImports.filter((line) => {
    if (line.file.startsWith('src/foundation/') || line.file.startsWith('src/shell/')) return false;
    if (!line.target.startsWith('src/') || line.target.startsWith('src/foundation/')) return false;
    const room = roomOf(line.file);
    if (roomOf(line.target) === room) return false;
    return !(exceptions[room] ?? []).some((exception) => exception.room === roomOf(line.target));
  });
  assert.deepEqual(wrong, []);
});

test('from outside, a room is its index.ts', () => {
  const wrong = files.flatMap(importsOf).filter((line) => {
    if (!line.target.startsWith('src/') || line.target.endsWith('/index.ts')) return false;
    const room = roomOf(line.file);
    return roomOf(line.target) !== room && !line.target.startsWith('src/shell/');
  });
  assert.deepEqual(wrong, []);
});

test('only the shell and the listed rooms import modules that do I/O', () => {
  const wrong = productImports.filter((line) => {
    if (line.file.startsWith('src/shell/') || !ioModules.has(line.from)) return false;
    return !(ioAllowed[roomOf(line.file)] ?? []).includes(line.from);
  });
  assert.deepEqual(wrong, []);
});

test('time, randomness and environment enter only through the shell', () => {
  const forbidden = /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\bprocess\.env\b|(?<![.\w])fetch\(/;
  const wrong = files
    .filter((file) => !isTest(file) && !file.startsWith('src/shell/'))
    .filter((file) => forbidden.test(readFileSync(file, 'utf8')));
  assert.deepEqual(wrong, []);
});

/** Imports over any number of steps from these files; those of types alone are not there at run time. */
function reached(entries: readonly string[], isFollowed: (line: ImportLine) => boolean): ImportLine[] {
  const seen = new Set<string>();
  const queue = entries.filter((file) => files.includes(file));
  const found: ImportLine[] = [];
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (seen.has(file)) continue;
    seen.add(file);
    for (const line of importsOf(file)) {
      if (!line.target.startsWith('src/') || !isFollowed(line)) continue;
      found.push(line);
      queue.push(line.target);
    }
  }
  return found;
}
const inWords = ({ file, target }: ImportLine) => `${file} -> ${target}`;

test('the gateway process imports nothing of trust/, of the store, of the control process or of the policy parser', () => {
  const lines = reached(
    [
      'src/shell/gateway/main.ts',
      'src/shell/journal/journal-worker.ts',
      'src/shell/gateway/shipping/shipping-worker.ts',
    ],
    () => true,
  );
  const wrong = lines.filter(({ target }) =>
    /^src\/(trust|decision\/parser|shell\/(store|control|signer))\//.test(target),
  );
  assert.ok(lines.length > 100);
  assert.deepEqual(wrong.map(inWords), []);
});

test('control leaves the policy parser to a process that ends, and to nobody else', () => {
  const lines = reached(['src/shell/control/main.ts'], ({ isType }) => !isType);
  assert.ok(lines.length > 100);
  assert.deepEqual(lines.filter(({ target }) => target.startsWith('src/decision/parser/')).map(inWords), []);
});

test('small processes take `node:http` from #foundation/http alone, so that `fetch` is not loaded with it', () => {
  const entries = ['signer/main', 'gateway/main', 'cli/main', 'supervisor/main', 'journal/journal-worker'];
  const lines = reached(
    entries.map((entry) => `src/shell/${entry}.ts`),
    ({ isType }) => !isType,
  );
  const loaded = new Set(lines.map(({ target }) => target));
  const wrong = productImports.filter(({ file, from, isType }) => loaded.has(file) && from === 'node:http' && !isType);
  assert.deepEqual(wrong.map(inWords), []);
});

test('every room has a README', () => {
  const rooms = new Set(files.filter((file) => file.split('/').length > 3).map((file) => `src/${roomOf(file)}`));
  const missing = [...rooms].filter((room) => globSync(`${room}/README.md`).length === 0);
  assert.deepEqual(missing, []);
});
