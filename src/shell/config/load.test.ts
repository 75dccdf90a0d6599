import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import {
  derivePublicUrls,
  formatDuration,
  formatProblem,
  loadConfig,
  parseDuration,
  parseListen,
  storeUrl,
} from './index.ts';
import { editDistance, nearestWord } from './nearest.ts';

const folder = mkdtempSync(join(tmpdir(), 'nullius-config-'));
after(() => rmSync(folder, { recursive: true }));
let count = 0;

function load(text: string, overrides: readonly string[] = []) {
  count += 1;
  const file = join(folder, `c${count}.yaml`);
  writeFileSync(file, text);
  return loadConfig({ file, overrides });
}

function problems(text: string, overrides: readonly string[] = []): string[] {
  const loaded = load(text, overrides);
  assert.equal(loaded.ok, false, 'a problem was expected');
  return loaded.problems.map((problem) => formatProblem(problem).replace(`${folder}/`, '').replace(/^c\d+/, 'c'));
}

test('loadConfig() gives the defaults when there is no file', () => {
  const loaded = loadConfig({ file: join(folder, 'none.yaml'), optional: true });
  assert.ok(loaded.ok);
  assert.equal(loaded.file, null);
  assert.equal(loaded.config.domain, 'localhost');
  assert.deepEqual(loaded.config.listen.plain, { host: '127.0.0.1', port: 8080 });
  assert.equal(loaded.config.listen.pdp, null);
  assert.equal(loaded.config.lease, 60_000);
  assert.equal(loaded.config.session.lifetime, 12 * 3_600_000);
});

test('loadConfig() says what to do when the named file does not exist', () => {
  const loaded = loadConfig({ file: join(folder, 'none.yaml') });
  assert.ok(!loaded.ok);
  assert.match(loaded.problems[0]?.message ?? '', /leave `--config` out/);
});

test('loadConfig() reads every key of the contract', () => {
  const loaded = load(`
domain: example.com
appsDomain: apps.example.net
store: postgres://nullius@db.example.com/nullius
listen: { plain: off, tls: "[::1]:0", operations: 127.0.0.1:9090, pdp: 127.0.0.1:9091 }
segments: [{ name: restricted, sensitivity: high }, { name: pci, within: restricted, sensitivity: high }]
groups: [{ name: staff }]
resources:
  - { name: wiki, kind: app, upstream: "http://10.0.0.5:3000", allowPrivate: true, segment: pci }
session: { idle: 30m, lifetime: 8h }
lease: 0s
journal: { sync: before-answer, retentionDays: 30 }
`);
  assert.ok(loaded.ok);
  assert.deepEqual(loaded.config.listen.tls, { host: '::1', port: 0 });
  assert.equal(loaded.config.resources[0]?.segment, 'pci');
  assert.equal(loaded.config.lease, 0);
});

test('loadConfig() refuses an unknown key at its line and column, naming the nearest', () => {
  assert.deepEqual(problems('domain: example.com\nappDomain: x.example\n'), [
    'c.yaml:2:1: unknown key `appDomain`; the nearest known one is `appsDomain`',
  ]);
  assert.deepEqual(
    problems('resources:\n  - name: wiki\n    upstrem: http://x.example\n    upstream: http://x.example\n'),
    ['c.yaml:3:5: unknown key `upstrem`; the nearest known one is `upstream`'],
  );
});

test('loadConfig() quotes the value that is wrong and says what would be right', () => {
  assert.deepEqual(problems('session:\n  idle: soon\n'), [
    'c.yaml:2:9: `session.idle`: `soon` is no duration; write a whole number and a unit, such as `90s`, `30m`, `12h` or `7d`',
  ]);
  assert.match(
    problems('listen: { plain: nonsense }')[0] ?? '',
    /^c.yaml:1:18: `listen.plain`: `nonsense` is no listener/,
  );
});

test('loadConfig() refuses a plain listener that leaves loopback', () => {
  assert.match(problems('listen: { plain: "0.0.0.0:8080" }')[0] ?? '', /in the clear/);
  assert.match(problems('', ['listen.plain=192.168.1.2:80'])[0] ?? '', /^--set listen\.plain: .*in the clear/);
});

test('loadConfig() keeps the PDP listener on loopback', () => {
  assert.match(problems('listen: { pdp: "0.0.0.0:9091" }')[0] ?? '', /tokens over the network in the clear/);
  assert.ok(load('listen: { pdp: "127.0.0.1:9091" }').ok);
});

test('loadConfig() refuses an upstream on a private address unless it says so', () => {
  for (const upstream of [
    'http://127.0.0.1:1',
    'http://localhost:1',
    'http://[::1]:1',
    'http://169.254.1.1',
    'http://0x7f000001',
  ]) {
    assert.match(problems(`resources: [{ name: a, upstream: "${upstream}" }]`)[0] ?? '', /allowPrivate/, upstream);
  }
  assert.ok(load('resources: [{ name: a, upstream: "http://127.0.0.1:1", allowPrivate: true }]').ok);
});

test('loadConfig() refuses an upstream where clouds keep machine credentials, whatever else it says', () => {
  for (const host of [
    '169.254.169.254',
    '0xa9fea9fe',
    '[::ffff:169.254.169.254]',
    '[fd00:ec2::254]',
    '168.63.129.16',
  ]) {
    const given = `resources: [{ name: a, upstream: "http://${host}", allowPrivate: true }]`;
    assert.match(problems(given)[0] ?? '', /Nullius never connects there/, host);
  }
});

test('loadConfig() refuses upstreams that are more than scheme, host and port', () => {
  for (const upstream of [
    'ftp://a.example',
    'http://u:p@a.example',
    'http://a.example/x',
    'http://a.example?x',
    'a.example',
    'file:///etc',
  ]) {
    assert.equal(load(`resources: [{ name: a, upstream: "${upstream}" }]`).ok, false, upstream);
  }
});

test('loadConfig() refuses our own hosts as resource names, duplicates and circles', () => {
  assert.match(problems('resources: [{ name: id, upstream: "http://a.example" }]')[0] ?? '', /own hosts/);
  assert.match(problems('segments: [{ name: a, within: b }, { name: b, within: a }]')[0] ?? '', /within itself/);
  assert.match(problems('segments: [{ name: a }, { name: a }]')[0] ?? '', /two segments/);
});

test('loadConfig() refuses duplicate keys, broken YAML and alias bombs', () => {
  assert.match(problems('domain: a.example\ndomain: b.example\n')[0] ?? '', /^c.yaml:2:1: the same key/);
  assert.match(problems('domain: [\n')[0] ?? '', /is not YAML/);
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${['b', 'c', 'd', 'e', 'f', 'g']
    .map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdef'[index]}`).join(',')}]`)
    .join('\n')}\n`;
  assert.match(problems(bomb)[0] ?? '', /aliases/);
});

test('loadConfig() takes no secret from the command line and quotes none', () => {
  assert.match(problems('', ['store=postgres://u:hunter2@db/x'])[0] ?? '', /secrets are not taken/);
  const words = problems(
    'store: mysql://u:hunter2@db/x\nidentity: { providers: [{ name: a, issuer: "https://a.example", clientId: x, clientSecret: hunter2 }] }\n',
    ['store=mysql://u:hunter2@db/x'],
  ).join('\n');
  assert.ok(!words.includes('hunter2'), words);
});

test('loadConfig() names the nearest key of an unknown --set', () => {
  assert.match(problems('', ['listen.plane=off'])[0] ?? '', /nearest known one is `listen.plain`/);
  assert.match(problems('', ['domain'])[0] ?? '', /key=value/);
  assert.ok(load('', ['domain=example.com', 'listen.tls=127.0.0.1:0', 'journal.retentionDays=7']).ok);
});

test('loadConfig() says what is wrong with the database that is named, without asking it', () => {
  const password = join(folder, 'db-password');
  writeFileSync(password, 'hunter2', { mode: 0o644 });
  const wrong: [store: string, words: RegExp][] = [
    ['postgres://n@/db?host=/run/postgresql', /^c.yaml:1:8: `store` is no URL; .*\?host=\/run\/postgresql/],
    ['postgres://db.example.com/db', /names no user/],
    ['postgres://n@db.example.com/db?sslmode=verify-all', /`verify-all` is no `sslmode`; the nearest is `verify-full`/],
    ['postgres://n@db.example.com/db?sslrootcert=./none.pem', /no file `.\/none.pem`/],
    [`postgres://n@db.example.com/db?sslkey=${password}`, /can be read by others/],
    ['postgres://n@db/db?uselibpqcompat=true&sslmode=require', /`uselibpqcompat` .* weaker .*; take it out/],
    [`{ url: "postgres://n@db/db", password: { file: ${password} } }`, /can be read by others/],
    ['{ url: "postgres://n@db/db", password: { file: ./none } }', /no file `.\/none`/],
    ['{ url: "postgres://n:hunter2@db/db", password: { file: ./none } }', /stands in the URL and in a file/],
  ];
  for (const [store, words] of wrong) {
    const found = problems(`store: ${store}`);
    assert.match(found[0] ?? '', words, store);
    assert.doesNotMatch(found.join(), /hunter2/);
  }
  const inUrl = load('store: postgres://n:hunter2@db/db');
  assert.ok(inUrl.ok);
  assert.match(inUrl.warnings[0]?.message ?? '', /keeps it in a file of its own/);
});

test('storeUrl() reads the password from its file, finds certificates beside the configuration, and means verified TLS', () => {
  const file = join(folder, 'nullius.yaml');
  writeFileSync(join(folder, 'db-password'), 'a/b@c\n');
  const url = 'postgres://n@db.example.com/db?sslrootcert=./ca.pem&sslmode=require';
  const made = new URL(storeUrl({ url, password: { file: './db-password' } }, file) ?? '');
  assert.equal(decodeURIComponent(made.password), 'a/b@c');
  assert.equal(made.searchParams.get('sslrootcert'), join(folder, 'ca.pem'));
  assert.equal(made.searchParams.get('sslmode'), 'verify-full');
  const compatible = storeUrl('postgres://n@db/db?uselibpqcompat=true&sslmode=prefer', file) ?? '';
  assert.equal(new URL(compatible).searchParams.get('sslmode'), 'verify-full', 'even where nothing was checked');
  assert.equal(storeUrl('postgres://n@db/db?sslmode=disable', file), 'postgres://n@db/db?sslmode=disable');
  assert.equal(storeUrl('sqlite', file), undefined);
});

test('loadConfig() refuses secret files that others can read', () => {
  const secret = join(folder, 'secret');
  writeFileSync(secret, 'x', { mode: 0o644 });
  const text = `identity: { providers: [{ name: corp, issuer: "https://a.example", clientId: x, clientSecret: { file: ${secret} } }] }`;
  assert.match(problems(text)[0] ?? '', /chmod 600/);
});

test('loadConfig() refuses providers of which one could name the groups of the other', () => {
  const providers = (...names: string[]) =>
    names.map((name) => `{ name: ${name}, issuer: "https://${name}.example", clientId: x }`).join(', ');
  const text = (...names: string[]) => `identity: { providers: [${providers(...names)}] }`;
  assert.match(problems(text('corp', 'corp-eu'))[0] ?? '', /could be taken for groups of `corp-eu`/);
  assert.match(problems(text('corp-eu', 'corp'))[0] ?? '', /could be taken for groups of `corp-eu`/);
  assert.ok(load(text('corp', 'corporate', 'eu-corp')).ok);
});

test('derivePublicUrls() gives one address: plain for localhost, TLS for everything else', () => {
  const base = { appsDomain: undefined, plainPort: 8080, tlsPort: 8443, publicPort: undefined };
  assert.deepEqual(derivePublicUrls({ ...base, domain: 'localhost' }), {
    domain: 'localhost',
    appsDomain: 'localhost',
    scheme: 'http',
    port: 8080,
  });
  assert.equal(derivePublicUrls({ ...base, domain: 'example.com', tlsPort: 443 }).port, null);
  assert.equal(derivePublicUrls({ ...base, domain: 'example.com', publicPort: 443 }).port, null);
  assert.equal(derivePublicUrls({ ...base, domain: 'example.com', appsDomain: 'a.example' }).appsDomain, 'a.example');
});

test('parseListen() reads addresses and nothing else', () => {
  for (const text of ['example.com:80', '127.0.0.1', '127.0.0.1:65536', '::1:80', '1.2.3:80', '127.0.0.1:8080 ', '']) {
    assert.equal(parseListen(text), undefined, text);
  }
  assert.equal(parseListen('off'), null);
});

test('parseDuration() reads back what formatDuration() writes', () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 999_999_999 }), (ms) => parseDuration(formatDuration(ms)) === ms));
});

test('editDistance() is a metric and nearestWord() finds a typo of one letter', () => {
  const word = fc.string({ maxLength: 8 });
  fc.assert(
    fc.property(
      word,
      word,
      (a, b) => editDistance(a, b) === editDistance(b, a) && (editDistance(a, b) === 0) === (a === b),
    ),
  );
  fc.assert(fc.property(word, word, word, (a, b, c) => editDistance(a, c) <= editDistance(a, b) + editDistance(b, c)));
  assert.equal(nearestWord('sesion', ['session', 'segment']), 'session');
  assert.equal(nearestWord('zzzzzzzz', ['session']), undefined);
  assert.deepEqual([nearestWord('lgo', ['logs']), nearestWord('foo', ['log'])], ['logs', undefined]);
});

test('loadConfig() asks for no domain of a gateway whose control is elsewhere', () => {
  const asked = { file: null, overrides: ['listen.plain=off'] };
  assert.equal(loadConfig(asked).ok, false);
  assert.equal(loadConfig({ ...asked, isDomainElsewhere: true }).ok, true);
});
