import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { after, test } from 'node:test';
import { commands } from './commands.ts';
import { diffTexts } from './line-diff.ts';
import { createOutput, printable, table, terminalJson } from './output.ts';

const folder = mkdtempSync(join(tmpdir(), 'nullius-cli-'));
after(() => rmSync(folder, { recursive: true }));
const main = join(import.meta.dirname, 'main.ts');

function nullius(...argv: string[]) {
  const result = spawnSync(process.execPath, ['--conditions=nullius-source', main, ...argv], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 240_000,
  });
  return { code: result.status, out: result.stdout, err: result.stderr };
}

test('nullius without a noun is wrong use and shows the nouns', () => {
  const { code, out, err } = nullius();
  assert.equal(code, 2);
  assert.equal(out, '');
  assert.match(err, /nullius <noun> <verb>/);
});

test('nullius names the nearest noun, verb and option when one is unknown', () => {
  assert.match(nullius('usr', 'list').err, /did you mean `user`/);
  assert.match(nullius('user', 'lst').err, /did you mean `user list`/);
  assert.match(nullius('--jsn').err, /unknown option `--jsn`; did you mean `--json`/);
  assert.match(nullius('up', '--prot', '80').err, /unknown option `--prot`; known here: `--set`, /);
  assert.match(
    nullius('token', 'revoke', '-a81').err,
    /unknown option `-a`; .*; a value that begins with a hyphen goes behind `--`/,
  );
  const option = nullius('user', 'list', '--grup', 'x');
  assert.match(option.err, /did you mean `--group`/);
  assert.equal(option.code, 2);
});

test('nullius up tells wrong use of --set (2) from a configuration that is not valid (3), and starts nothing', () => {
  const unknown = nullius('up', '--set', 'lisen.plain=off');
  assert.match(unknown.err, /unknown key `lisen.plain`; the nearest known one is `listen`/);
  assert.deepEqual([unknown.code, unknown.out], [2, '']);
  const secret = nullius('up', '--set', 'store=postgres://u:hunter2@db.example.test/d');
  assert.equal(secret.code, 2);
  assert.match(secret.err, /secrets are not taken from the command line/);
  assert.doesNotMatch(secret.err, /hunter2/);
  const file = join(folder, 'wrong.yaml');
  writeFileSync(file, 'lisen: {}\n');
  assert.equal(nullius('up', '--config', file).code, 3);
  assert.equal(nullius('up', '--config', file, '--set', 'lisen.plain=off').code, 3);
});

test('nullius says which word is missing or one too many', () => {
  assert.match(nullius('user', 'suspend').err, /`<user>` is missing\nUsage: nullius user suspend <user>/);
  assert.match(nullius('user', 'suspend', 'a', 'b').err, /`b` is one word too many/);
  assert.match(nullius('token', 'create').err, /`--scope <scope>` is missing: what it may do/);
  const protect = nullius('protect', 'http://localhost:3000');
  assert.equal(protect.code, 2);
  assert.match(protect.err, /`--as <name>` is missing: .*\nUsage: nullius protect <upstream> --as <name> \[options\]/);
  assert.match(nullius('grant', 'create', 'ada', 'wiki', '--for').err, /`--for <duration>` has no value/);
  const dashed = nullius('log', 'query', '--since', '-3d');
  assert.equal(dashed.code, 2);
  assert.match(dashed.err, /^nullius: `--since <time>` has no value: [^\n]+\nUsage: /);
});

test('nullius version, --version and help say what they are asked', () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  assert.equal(nullius('version').out, `${version}\n`);
  assert.equal(nullius('--version').out, `${version}\n`);
  assert.equal((JSON.parse(nullius('version', '--json').out) as { version: string }).version, version);
  assert.equal(nullius('help').out, nullius('--help').out);
  assert.equal(nullius('help', 'protect').out, nullius('protect', '--help').out);
});

test('bin/nullius names commands as they were typed', () => {
  const script = join(import.meta.dirname, '../../../bin/nullius');
  const asked = (argv0: string, environment: NodeJS.ProcessEnv) =>
    spawnSync(argv0, ['usr'], { cwd: folder, encoding: 'utf8', timeout: 240_000, env: environment }).stderr;
  assert.ok(asked(script, process.env).includes(`\`${script} --help\` lists all`));
  const onPath = { ...process.env, PATH: `${join(script, '..')}:${process.env['PATH']}` };
  assert.match(asked('nullius', onPath), /`nullius --help` lists all/);
});

test('every command has help that names it, and exits 0', () => {
  for (const noun of new Set(commands.map((command) => command.noun))) {
    const verbs = commands.filter((command) => command.noun === noun);
    const [first] = verbs;
    const { code, out } = nullius(noun, ...(first?.verb == null ? [] : [first.verb]), '--help');
    assert.equal(code, 0, noun);
    assert.match(out, new RegExp(`Usage: nullius ${noun}`));
  }
  for (const command of commands) assert.ok(command.summary.length > 10, `${command.noun} ${command.verb}`);
});

test('a live command exits 3 and says how to start when nothing runs', () => {
  const { code, err, out } = nullius('--json', 'user', 'list', '--data', join(folder, 'none'));
  assert.equal(code, 3);
  assert.equal(out, '');
  assert.match(err, /nullius up/);
});

test('--server refuses plain HTTP off loopback, and needs a token', () => {
  assert.match(nullius('user', 'list', '--server', 'https://console.example.com').err, /NULLIUS_TOKEN/);
  const result = spawnSync(
    process.execPath,
    ['--conditions=nullius-source', main, 'user', 'list', '--server', 'http://console.example.com'],
    {
      encoding: 'utf8',
      env: { ...process.env, NULLIUS_TOKEN: 'nls_x' },
    },
  );
  assert.equal(result.status, 2);
  assert.match(result.stderr, /plain HTTP/);
});

test('check exits 1 with the place of the mistake, and 0 for a good file or none', () => {
  assert.equal(nullius('check').code, 0);
  const file = join(folder, 'bad.yaml');
  writeFileSync(file, 'domain: example.com\nsesion: {}\n');
  const { code, err, out } = nullius('check', '--config', file, '--json');
  assert.equal(code, 1);
  assert.match(err, /bad\.yaml:2:1: unknown key `sesion`; the nearest known one is `session`/);
  assert.equal((JSON.parse(out) as { ok: boolean }).ok, false);
  writeFileSync(file, 'session: { idle: 5 }\nlease: true\n');
  const durations = nullius('check', '--config', file);
  assert.match(durations.err, /bad\.yaml:1:18: `session\.idle`: `5` has no unit; write `5s`, `5m`, `5h` or `5d`/);
  assert.match(durations.err, /bad\.yaml:2:8: `lease`: `true` is no duration; write a whole number and a unit/);
});

test('printable() takes the teeth out of what strangers typed', () => {
  assert.equal(printable('a\u001b[2Jb\u202ec\nd'), 'a\ufffd[2Jb\ufffdc\nd');
  assert.equal(table(['A', 'B'], [['x', null]]), 'A  B\nx  -');
});

test('JSON for terminals holds nothing that acts there, and says to a program what it said before', () => {
  const value = { name: 'a\u009b2J\u202e\u200f\u2028\u007f\u{e0041}b\u001b\u200d', list: ['\u0085\n'] };
  for (const indent of [undefined, 2]) {
    const text = terminalJson(value, indent);
    assert.equal(printable(text), text);
    assert.deepEqual(JSON.parse(text), value);
  }
  const written: string[] = [];
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      written.push(String(chunk));
      done();
    },
  });
  createOutput({ stdout: stream, stderr: stream }, { json: true, command: 'nullius' }).answer(value, '');
  assert.equal(written.join(''), `${terminalJson(value, 2)}\n`);
});

test('diffTexts() shows what was taken and what came', () => {
  assert.equal(diffTexts('a\nb\nc', 'a\nx\nc'), '- b\n+ x');
  assert.equal(diffTexts('a', 'a'), '');
});
