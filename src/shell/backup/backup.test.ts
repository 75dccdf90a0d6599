import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { appendFile, cp, mkdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { openStore, StoreError } from '#shell/store';
import {
  assertNothing,
  assertPrivate,
  assertSameStore,
  dataKeys,
  group,
  type Installation,
  journalKey,
  makeInstallation,
} from './backup-suite.ts';
import {
  BackupError,
  type BackupErrorCode,
  backup,
  embeddedStorePath,
  restore,
  upgrade,
  verifyBackup,
} from './index.ts';

const onInstallation = (title: string, body: (installation: Installation) => Promise<void>) =>
  test(title, { timeout: 240_000 }, async () => {
    const installation = await makeInstallation();
    try {
      await body(installation);
    } finally {
      await installation.end();
    }
  });

const code = (wanted: BackupErrorCode | StoreError['code']) => (error: unknown) =>
  (error instanceof BackupError || error instanceof StoreError) && error.code === wanted;

const into = (installation: Installation, name = 'restored') => ({
  source: installation.options.target,
  dataDirectory: join(installation.folder, name),
  rootKeyPath: join(installation.folder, `${name}.root-key`),
  clock: () => 3_000,
});

onInstallation('backup() of a store in use restores to the same facts in a later epoch', async (installation) => {
  const { manifest, manifestHash } = await backup(installation.options);
  assert.equal(manifest.revision, 6);
  await assertPrivate(installation.options.target);
  const target = into(installation);
  const restored = await restore({ ...target, manifestHash });
  assert.equal(restored.epoch, 3_000);
  assert.equal(restored.hasRootKey, false);
  await assertPrivate(target.dataDirectory);
  assert.deepEqual(readdirSync(target.dataDirectory).sort(), ['journal', 'signer', 'store']);
  assert.deepEqual(readdirSync(join(target.dataDirectory, 'journal', 'control')).sort(), [
    '0000000000000000.segment',
    'checkpoints',
  ]);
  const again = await openStore({ path: embeddedStorePath(target.dataDirectory), clock: () => 9, dataKeys });
  try {
    await assertSameStore(installation.store, again);
    assert.equal((await again.head()).epoch, 3_000);
    assert.equal((await again.commit([{ kind: 'group', id: 'new', body: group('New') }])).revision, 7);
  } finally {
    await again.close();
  }
});

onInstallation('a backup holds no journal key that can be read', async (installation) => {
  await backup(installation.options);
  for (const folder of [installation.options.target, join(installation.dataDirectory, 'store')]) {
    for (const file of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      if (!file.isFile()) continue;
      const bytes = readFileSync(join(file.parentPath, file.name));
      assert.ok(!bytes.includes(journalKey), `${file.name} holds a journal key`);
    }
  }
});

onInstallation('restore() raises the epoch even when the clock says it is long ago', async (installation) => {
  await backup(installation.options);
  assert.equal((await restore({ ...into(installation), clock: () => 5 })).epoch, 1_001);
});

onInstallation(
  'the root key is in a backup only when asked for, and never restored over another',
  async (installation) => {
    await backup(installation.options);
    const files = readdirSync(installation.options.target, { recursive: true }).map(String);
    for (const file of files) {
      if (!file.includes('.')) continue;
      assert.ok(!readFileSync(join(installation.options.target, file), 'utf8').includes('the root key'));
    }
    await rm(installation.options.target, { recursive: true });
    await backup({ ...installation.options, includeRootKey: installation.rootKey });
    await assert.rejects(restore({ ...into(installation), rootKeyPath: installation.rootKey }), code('exists'));
    assert.equal(await readFile(installation.rootKey, 'utf8'), 'the root key');
    const target = into(installation);
    assert.equal((await restore(target)).hasRootKey, true);
    assert.equal(await readFile(target.rootKeyPath, 'utf8'), 'the root key');
    assertNothing(`${target.rootKeyPath}.partial`);
  },
);

onInstallation('backup() refuses a target that exists and leaves nothing when it fails', async (installation) => {
  await mkdir(installation.options.target);
  await assert.rejects(backup(installation.options), code('exists'));
  const nowhere = {
    ...installation.options,
    dataDirectory: join(installation.folder, 'none'),
    target: join(installation.folder, 'b2'),
  };
  await assert.rejects(backup(nowhere), code('unavailable'));
  assertNothing(nowhere.target, `${nowhere.target}.partial`);
  await symlink('/etc/hostname', join(installation.dataDirectory, 'signer', 'link'));
  await rm(installation.options.target, { recursive: true });
  const { manifest } = await backup(installation.options);
  assert.ok(!manifest.files.some((file) => file.path.includes('link')), 'a symlink is not followed');
});

onInstallation(
  'restore() refuses a folder that is not empty and a backup for a store that is not',
  async (installation) => {
    await backup(installation.options);
    await assert.rejects(restore({ ...into(installation), dataDirectory: installation.dataDirectory }), code('exists'));
    const target = into(installation, 'empty');
    await mkdir(target.dataDirectory);
    await restore(target);
  },
);

const attacks: Record<string, (folder: string) => Promise<void>> = {
  'a cut store': (folder) => truncate(join(folder, 'store.ndjson'), 1_000),
  'a longer journal': (folder) => appendFile(join(folder, 'journal/control/0000000000000000.segment'), 'x'),
  'a changed byte': async (folder) => {
    const path = join(folder, 'store.ndjson');
    const bytes = await readFile(path);
    bytes[5_000] = (bytes[5_000] ?? 0) ^ 1;
    await writeFile(path, bytes);
  },
  'a missing file': (folder) => rm(join(folder, 'signer/keys.json')),
  'a file more': (folder) => writeFile(join(folder, 'signer/other.json'), '{}'),
  'a symlink in place of a file': async (folder) => {
    await rm(join(folder, 'signer/keys.json'));
    await symlink('/etc/hostname', join(folder, 'signer/keys.json'));
  },
  'a cut manifest': (folder) => truncate(join(folder, 'manifest.json'), 100),
};

onInstallation('restore() refuses a damaged backup before it writes anything', async (installation) => {
  await backup(installation.options);
  for (const [name, damage] of Object.entries(attacks)) {
    const source = join(installation.folder, 'damaged');
    await cp(installation.options.target, source, { recursive: true });
    await damage(source);
    const target = { ...into(installation), source };
    await assert.rejects(restore(target), code('damaged'), name);
    assertNothing(target.dataDirectory, `${target.dataDirectory}.partial`, target.rootKeyPath);
    await rm(source, { recursive: true });
  }
});

onInstallation(
  'restore() refuses a manifest that points out of the folder, repeats itself or is too new',
  async (installation) => {
    await backup(installation.options);
    const path = join(installation.options.target, 'manifest.json');
    const manifest = JSON.parse(await readFile(path, 'utf8')) as { files: { path: string }[]; version: number };
    const [first] = manifest.files;
    assert.ok(first);
    const bad = [
      '../data.root-key',
      '/etc/hostname',
      'signer/../../data.root-key',
      'signer//keys.json',
      '.',
      'a\u0000b',
    ];
    for (const wrong of bad) {
      await writeFile(path, JSON.stringify({ ...manifest, files: [...manifest.files, { ...first, path: wrong }] }));
      await assert.rejects(verifyBackup(installation.options.target), code('damaged'), wrong);
    }
    await writeFile(path, JSON.stringify({ ...manifest, files: [...manifest.files, first] }));
    await assert.rejects(verifyBackup(installation.options.target), code('damaged'));
    await writeFile(path, JSON.stringify({ ...manifest, version: 2 }));
    await assert.rejects(verifyBackup(installation.options.target), code('newer'));
    await rm(path);
    await assert.rejects(verifyBackup(installation.options.target), code('unreadable'));
  },
);

onInstallation('restore() puts nothing into the data folder that no backup holds', async (installation) => {
  const { manifest } = await backup(installation.options);
  const { target } = installation.options;
  const planted = ['cache/control/prepared', 'run/config-in-force.json', 'gateway/gateway-1/position', 'control.token'];
  for (const path of planted) {
    const bytes = Buffer.from('planted');
    await mkdir(join(target, path, '..'), { recursive: true });
    await writeFile(join(target, path), bytes);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const files = [...manifest.files, { path, bytes: bytes.length, sha256 }];
    await writeFile(join(target, 'manifest.json'), JSON.stringify({ ...manifest, files }));
    await assert.rejects(restore(into(installation)), code('damaged'), path);
    assertNothing(into(installation).dataDirectory);
    await rm(join(target, path));
  }
});

onInstallation('a backup rewritten with fitting hashes is told by the hash of its manifest', async (installation) => {
  const { manifestHash } = await backup(installation.options);
  const other = { ...installation.options, target: join(installation.folder, 'other') };
  await installation.store.commit([{ kind: 'group', id: 'evil', body: group('Evil') }]);
  await backup(other);
  await assert.rejects(restore({ ...into(installation), source: other.target, manifestHash }), code('damaged'));
  await restore({ ...into(installation), manifestHash });
});

onInstallation('an export with good hashes and bad rows is refused, and nothing is left', async (installation) => {
  await backup(installation.options);
  const manifestPath = join(installation.options.target, 'manifest.json');
  const storePath = join(installation.options.target, 'store.ndjson');
  const manifest = JSON.parse(await readFile(manifestPath, 'utf8')) as {
    files: { path: string; bytes: number; sha256: string }[];
  };
  const text = await readFile(storePath, 'utf8');
  const bad: Record<string, string> = {
    'a table that does not exist': `${text}{"table":"migration","row":{"name":"x","applied_at":1}}\n`,
    'a column that does not exist': `${text}{"table":"meta","row":{"name":"x","worth":"1"}}\n`,
    'a row that is there already': `${text}{"table":"meta","row":{"name":"instance_id","value":"1"}}\n`,
    'a line cut off': text.slice(0, -20),
    'another revision than the header says': text.replace('"revision":6,', '"revision":5,'),
    'a schema step of the future': text.replace('"0001-facts"', '"0001-facts","0998-future"'),
    nothing: '',
  };
  for (const [name, worse] of Object.entries(bad)) {
    await writeFile(storePath, worse);
    const sha256 = createHash('sha256').update(worse).digest('hex');
    const files = manifest.files.map((file) =>
      file.path === 'store.ndjson' ? { ...file, bytes: Buffer.byteLength(worse), sha256 } : file,
    );
    await writeFile(manifestPath, JSON.stringify({ ...manifest, files }));
    const target = into(installation);
    await assert.rejects(restore(target), (error) => error instanceof StoreError, name);
    assertNothing(target.dataDirectory, `${target.dataDirectory}.partial`);
  }
});

onInstallation('upgrade() does nothing to a store that is up to date', async (installation) => {
  const backupTo = join(installation.folder, 'before-upgrade');
  const done = await upgrade({ dataDirectory: installation.dataDirectory, backupTo, clock: () => 5 });
  assert.deepEqual(done, { steps: [], manifestHash: null });
  assert.ok(!existsSync(backupTo));
});

onInstallation('upgrade() backs up first, then takes the steps that are missing', async (installation) => {
  await installation.store.close();
  const { migrations } = await import('../store/migrations/index.ts');
  const dataDirectory = join(installation.folder, 'old');
  const path = embeddedStorePath(dataDirectory);
  const old = await openStore({ path, clock: () => 1_000, migrations: migrations.slice(0, 1) });
  await old.commit([{ kind: 'group', id: 'ops', body: group('Ops') }]);
  await old.close();
  const backupTo = join(installation.folder, 'before-upgrade');
  const done = await upgrade({ dataDirectory, backupTo, clock: () => 5 });
  assert.deepEqual(
    done.steps,
    migrations.slice(1).map((migration) => migration.name),
  );
  const back = { ...into(installation), source: backupTo };
  await restore(back);
  for (const folder of [dataDirectory, back.dataDirectory]) {
    const store = await openStore({ path: embeddedStorePath(folder), clock: () => 1_000 });
    assert.equal((await store.read('group', 'ops'))?.body.displayName, 'Ops');
    await store.close();
  }
});
