import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { eventually, startUp, temporaryFolder } from '../../../tests/stand-ins/start-up.ts';

const limit = { timeout: 240_000 };
interface Answer {
  readonly pid: number;
  readonly keyId: string;
}

/** Process ids of the children of a process, by the name of their entry file. */
function childrenOf(pid: number | undefined): Record<'signer' | 'control' | 'gateway', number> {
  const pids = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
  const byName = (name: string) =>
    pids.find((each) =>
      readFileSync(`/proc/${each}/cmdline`, 'utf8').includes(`/${name}${name === 'signer' ? '/main' : ''}.ts\0`),
    ) ?? 0;
  return { signer: byName('signer'), control: byName('control'), gateway: byName('gateway') };
}

function isRunning(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}

test(
  'up prints its ready line alone, passes notices on without control characters, stops in order with exit 0',
  limit,
  async (t) => {
    const data = join(temporaryFolder(t), 'data');
    const up = await startUp(t, { data });
    assert.equal(up.stdout(), `ready http://console.localhost:${up.port}\n`);
    const { keyId } = (await up.ask('/')) as Answer;
    assert.ok(keyId);
    up.child.kill('SIGTERM');
    assert.deepEqual(await up.ended, [0, null]);
    assert.equal(up.stderr(), 'first administrator http://id.localhost/enrol#x [2J\ngateway stops\ncontrol stops\n');
    assert.equal(up.stdout(), `ready http://console.localhost:${up.port}\n`);
  },
);

test('everything under the data folder is private, and the root key lies beside it', limit, async (t) => {
  const data = join(temporaryFolder(t), 'data');
  await startUp(t, { data });
  const modes = execFileSync('find', [data, `${data}.root-key`, '-printf', '%y %m %P\n'], { encoding: 'utf8' })
    .trim()
    .split('\n');
  assert.ok(modes.length > 10);
  // What Node writes into a compile cache follows the umask; its folder is closed.
  const open = modes
    .filter((line) => !/ cache\/\w+\//.test(line))
    .filter((line) => !/^d 700|^[fs] 600|^f [46]00/.test(line));
  assert.deepEqual(open, []);
  assert.equal(lstatSync(`${data}.root-key`).mode & 0o777, 0o600);
});

test(
  'the gateway reaches its own folders and nothing else, starts no process, and is told no secrets',
  limit,
  async (t) => {
    const data = join(temporaryFolder(t), 'data');
    const up = await startUp(t, { data });
    const { attempts, environment, argv, execArgv } = (await up.ask('/reach')) as {
      attempts: Record<string, string>;
      environment: string[];
      argv: string[];
      execArgv: string[];
    };
    const { ownFolder, ownJournal, addon, ...forbidden } = attempts;
    assert.deepEqual([ownFolder, ownJournal, addon], ['done', 'done', 'ERR_DLOPEN_DISABLED']);
    assert.equal(Object.keys(forbidden).length, 12);
    for (const [name, outcome] of Object.entries(forbidden)) assert.equal(outcome, 'ERR_ACCESS_DENIED', name);
    assert.ok(!environment.includes('SECRET_OF_OURS') && !environment.includes('PATH'));
    const tokens = /[A-Za-z0-9_-]{43}/;
    assert.ok(![...argv, ...execArgv].some((word) => tokens.test(word.replaceAll(/.*\//g, ''))));
  },
);

test('the gateway reaches neither data folder nor root key when both lie in the checkout', limit, async (t) => {
  const checkout = fileURLToPath(new URL('../../../', import.meta.url));
  const data = join(checkout, `.nullius-test-${process.pid}`);
  t.after(() => {
    rmSync(data, { recursive: true, force: true });
    rmSync(`${data}.root-key`, { force: true });
  });
  const up = await startUp(t, { data });
  const { attempts } = (await up.ask('/reach')) as { attempts: Record<string, string> };
  assert.deepEqual(
    [attempts['rootKey'], attempts['signerKeys'], attempts['store']],
    Array(3).fill('ERR_ACCESS_DENIED'),
  );
  up.child.kill('SIGTERM');
  await up.ended;
});

test('the signer runs under the permission model too: its own folder, no workers, no children', limit, async (t) => {
  const data = join(temporaryFolder(t), 'data');
  const up = await startUp(t, { data });
  const words = readFileSync(`/proc/${childrenOf(up.child.pid).signer}/cmdline`, 'utf8').split('\0');
  assert.ok(words.includes('--permission'));
  assert.deepEqual(
    words.filter((word) => /allow-(worker|child|addons|wasi)/.test(word)),
    [],
  );
  const writable = words.filter((word) => word.startsWith('--allow-fs-write=')).map((word) => word.slice(17));
  assert.deepEqual(writable, [`${data}/signer`, `${data}/cache/signer`, `${data}.root-key`, `${data}/run/signer.sock`]);
});

for (const name of ['signer', 'control', 'gateway'] as const) {
  test(`a killed ${name} starts again and works with the others, which stay`, limit, async (t) => {
    const data = join(temporaryFolder(t), 'data');
    const up = await startUp(t, { data });
    const before = childrenOf(up.child.pid);
    const { keyId } = (await up.ask('/')) as Answer;
    process.kill(before[name], 'SIGKILL');
    await eventually(() => (up.stderr().includes(`${name} serves again`) ? true : undefined));
    const answer = (await eventually(() => up.ask('/'))) as Answer;
    assert.equal(answer.keyId, keyId);
    const after = childrenOf(up.child.pid);
    for (const each of ['signer', 'control', 'gateway'] as const)
      assert.equal(after[each] === before[each], each !== name, each);
    assert.match(
      up.stderr(),
      new RegExp(`nullius: ${name} is gone: it was ended by SIGKILL; starting it again in 250 ms`),
    );
    up.child.kill('SIGTERM');
    assert.deepEqual(await up.ended, [0, null]);
  });
}

test('pauses between starts double while a child keeps dying', limit, async (t) => {
  const data = join(temporaryFolder(t), 'data');
  const up = await startUp(t, { data });
  const again = /gateway is gone.* in (\d+) ms/g;
  for (let count = 1; count <= 3; count += 1) {
    process.kill(await eventually(() => childrenOf(up.child.pid).gateway || undefined), 'SIGKILL');
    await eventually(() => ([...up.stderr().matchAll(again)].length === count ? true : undefined));
  }
  assert.deepEqual(
    [...up.stderr().matchAll(again)].map((match) => match[1]),
    ['250', '500', '1000'],
  );
});

test('children end when the supervisor is killed, and a new one takes over', limit, async (t) => {
  const data = join(temporaryFolder(t), 'data');
  const up = await startUp(t, { data });
  const children = Object.values(childrenOf(up.child.pid));
  up.child.kill('SIGKILL');
  await up.ended;
  await eventually(() => (children.some(isRunning) ? undefined : true));
  const next = await startUp(t, { data });
  assert.ok(((await next.ask('/')) as Answer).keyId);
});

test('a second up on one data folder is refused with words, and the first goes on', limit, async (t) => {
  const data = join(temporaryFolder(t), 'data');
  const first = await startUp(t, { data });
  const second = await startUp(t, { data });
  assert.deepEqual(await second.ended, [3, null]);
  assert.equal(second.stdout(), '');
  assert.equal(
    second.stderr(),
    `nullius: nullius already runs on \`${data}\` (process ${first.child.pid}); stop it first, or choose another --data\n`,
  );
  assert.ok(await first.ask('/'));
});

test('a child that cannot start ends everything with exit 3 and its words', limit, async (t) => {
  const data = join(temporaryFolder(t), 'data');
  const up = await startUp(t, { data, overrides: ['test=fail'] });
  assert.deepEqual(await up.ended, [3, null]);
  assert.match(up.stderr(), /nullius: control could not start: no policies \[31m in `here`\n/);
  assert.equal(up.stdout(), '');
});

test('up refuses a data folder that is loose, linked, a file, foreign, nowhere or too long', limit, async (t) => {
  const folder = temporaryFolder(t);
  const data = join(folder, 'data');
  const refusal = async (path = data) => {
    const up = await startUp(t, { data: path });
    assert.deepEqual(await up.ended, [3, null]);
    return up.stderr();
  };
  mkdirSync(data, { mode: 0o755 });
  chmodSync(data, 0o755);
  assert.match(await refusal(), /is open to other users \(mode 0755\); run: chmod 700/);
  chmodSync(data, 0o700);
  mkdirSync(join(data, 'elsewhere'));
  symlinkSync('elsewhere', join(data, 'signer'));
  assert.match(await refusal(), /signer` is a symlink/);
  symlinkSync(data, join(folder, 'link'));
  assert.match(await refusal(join(folder, 'link')), /link` is a symlink; give the real folder/);
  writeFileSync(join(folder, 'file'), '');
  assert.match(await refusal(join(folder, 'file')), /is not a folder/);
  assert.match(await refusal(join(folder, 'missing', 'data')), /does not exist/);
  assert.match(await refusal(join(folder, 'x'.repeat(100))), /too long for sockets/);
  mkdirSync(join(folder, 'open'));
  chmodSync(join(folder, 'open'), 0o777);
  assert.match(await refusal(join(folder, 'open', 'data')), /everybody may rename things/);
  assert.ok(!existsSync(join(folder, 'open', 'data')));
  if (process.geteuid?.() === 0) {
    const foreign = join(folder, 'foreign');
    mkdirSync(foreign, { mode: 0o700 });
    chownSync(foreign, 12345, 12345);
    assert.match(await refusal(foreign), /belongs to another user \(uid 12345\)/);
  }
});

test('up refuses a loose root key file in words that say what to run', limit, async (t) => {
  const data = join(temporaryFolder(t), 'data');
  const first = await startUp(t, { data });
  first.child.kill('SIGTERM');
  await first.ended;
  chmodSync(`${data}.root-key`, 0o644);
  const up = await startUp(t, { data });
  assert.deepEqual(await up.ended, [3, null]);
  assert.match(up.stderr(), /signer could not start: .*is open to other users \(mode 0644\); run: chmod 600/);
});

test('a socket of a dead process is replaced, another thing in its place is not', limit, async (t) => {
  const data = join(temporaryFolder(t), 'data');
  const first = await startUp(t, { data });
  first.child.kill('SIGKILL');
  await first.ended;
  rmSync(join(data, 'run', 'signer.sock'), { force: true });
  symlinkSync(`${data}.root-key`, join(data, 'run', 'signer.sock'));
  const up = await startUp(t, { data });
  assert.deepEqual(await up.ended, [3, null]);
  assert.match(up.stderr(), /signer could not start: .*is in the way/);
  assert.equal(readlinkSync(join(data, 'run', 'signer.sock')), `${data}.root-key`);
});

test('whoever opens the signer socket without its token gets 401', limit, async (t) => {
  const data = join(temporaryFolder(t), 'data');
  await startUp(t, { data });
  const socket = connect(join(data, 'run', 'signer.sock'));
  socket.write(
    'POST /keys HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer guess\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}',
  );
  let answer = '';
  for await (const chunk of socket) answer += String(chunk);
  assert.match(answer, /^HTTP\/1\.1 401 /);
});

test('a process of ours started by hand says who starts it', limit, () => {
  const main = fileURLToPath(new URL('../signer/main.ts', import.meta.url));
  const { status, stderr } = spawnSync(process.execPath, [main], { encoding: 'utf8' });
  assert.equal(status, 3);
  assert.match(stderr, /is started by `nullius up`/);
});

test('bin/nullius says `npm ci` and exits 3 when the pinned Node is absent or another one', limit, (t) => {
  const folder = temporaryFolder(t);
  const checkout = fileURLToPath(new URL('../../../', import.meta.url));
  mkdirSync(join(folder, 'bin'));
  for (const file of ['bin/nullius', 'package.json']) cpSync(join(checkout, file), join(folder, file));
  const run = () => spawnSync(join(folder, 'bin/nullius'), ['up'], { encoding: 'utf8' });
  const absent = run();
  assert.equal(absent.status, 3);
  assert.match(absent.stderr, /is not installed here; run `npm ci`/);
  mkdirSync(join(folder, 'node_modules/.bin'), { recursive: true });
  writeFileSync(join(folder, 'node_modules/.bin/node'), '#!/bin/sh\necho v20.1.0\n', { mode: 0o755 });
  const other = run();
  assert.equal(other.status, 3);
  assert.match(other.stderr, /holds Node `v20\.1\.0`, this version needs v24.*run `npm ci`/);
});
