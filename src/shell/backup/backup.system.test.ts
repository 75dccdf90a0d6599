// A store moves from SQLite to PostgreSQL and back by backup and restore.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openStore, StoreError } from '#shell/store';
import { type PostgresServer, startPostgres } from '../../../tests/postgresql.ts';
import { assertNothing, assertSameStore, dataKeys, group, makeInstallation } from './backup-suite.ts';
import { backup, embeddedStorePath, restore } from './index.ts';

let server: PostgresServer;
before(async () => {
  server = await startPostgres();
});
after(async () => {
  await server.stop();
});

test('backup and restore carry a store from SQLite to PostgreSQL and back', async () => {
  const installation = await makeInstallation();
  try {
    const { folder, options, store } = installation;
    await backup(options);
    const url = await server.createDatabase();
    const place = { rootKeyPath: join(folder, 'k'), clock: () => 3_000 };
    await restore({ ...place, source: options.target, dataDirectory: join(folder, 'pg'), storeUrl: url });
    const onServer = await openStore({ url, clock: () => 9, dataKeys });
    try {
      await assertSameStore(store, onServer);
      const target = join(folder, 'backup-2');
      await backup({ ...options, dataDirectory: join(folder, 'pg'), storeUrl: url, target });
      await restore({ ...place, source: target, dataDirectory: join(folder, 'back') });
      const back = await openStore({ path: embeddedStorePath(join(folder, 'back')), clock: () => 9, dataKeys });
      await assertSameStore(store, back);
      assert.equal((await back.head()).epoch, 3_001);
      await back.close();
      const third = { ...place, source: target, dataDirectory: join(folder, 'third'), storeUrl: url };
      await assert.rejects(restore(third), (error) => error instanceof StoreError && error.code === 'not-empty');
      assertNothing(third.dataDirectory, `${third.dataDirectory}.partial`);
    } finally {
      await onServer.close();
    }
  } finally {
    await installation.end();
  }
});

test('a backup of PostgreSQL is of one moment while others write', async () => {
  const url = await server.createDatabase();
  const installation = await makeInstallation(url);
  let stop = false;
  try {
    const { store, options, folder } = installation;
    const load = (async () => {
      for (let turn = 0; !stop; turn += 1) {
        const body = group(`${turn}`);
        await store.commit([
          { kind: 'group', id: 'left', body },
          { kind: 'group', id: 'right', body },
        ]);
      }
    })();
    const { manifest } = await backup(options);
    stop = true;
    await load;
    const dataDirectory = join(folder, 'restored');
    await restore({ source: options.target, dataDirectory, rootKeyPath: join(folder, 'k'), clock: () => 3_000 });
    const restored = await openStore({ path: embeddedStorePath(dataDirectory), clock: () => 9, dataKeys });
    try {
      const [left, right] = await Promise.all([restored.read('group', 'left'), restored.read('group', 'right')]);
      assert.deepEqual(left, right);
      assert.equal((await restored.head()).revision, manifest.revision);
      assert.equal((await restored.changesSince(0))?.changes.at(-1)?.revision, manifest.revision);
    } finally {
      await restored.close();
    }
  } finally {
    stop = true;
    await installation.end();
  }
});
