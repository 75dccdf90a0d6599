// The suite of store.test.ts, on PostgreSQL, and what only a server can do: die.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fakeDataKeys } from '../../../tests/fakes/data-keys.ts';
import { type PostgresServer, startPostgres } from '../../../tests/postgresql.ts';
import { followStore, openStore, StoreError } from './index.ts';
import { event, group, storeSuite } from './store-suite.ts';

let server: PostgresServer;
before(async () => {
  server = await startPostgres();
});
after(async () => {
  await server.stop();
});

storeSuite('PostgreSQL', async () => {
  const url = await server.createDatabase();
  const dataKeys = fakeDataKeys();
  return {
    open: (options) => openStore({ url, clock: Date.now, dataKeys, ...options }),
    openKeyless: () => openStore({ url, clock: Date.now }),
    end: async () => {},
  };
});

test('a commit of another control reaches a follower by notification, not by polling', async () => {
  const url = await server.createDatabase();
  const other = await openStore({ url, clock: Date.now });
  const one = await openStore({ url, clock: Date.now });
  try {
    // Before anything else is awaited, or the first hint may be over.
    let hints = 0;
    one.onCommit(() => {
      hints += 1;
    });
    // The first hint says that the ear is open.
    while (hints === 0) await sleep(5);
    const before = hints;
    await other.commit([{ kind: 'group', id: 'ops', body: group('Ops') }]);
    while (hints === before) await sleep(1);
    assert.equal((await one.changesSince(0))?.changes.length, 1);
  } finally {
    await Promise.all([one.close(), other.close()]);
  }
});

test('PostgreSQL killed and restarted under load: every acknowledged commit is there, the feed has no gap', async () => {
  const url = await server.createDatabase();
  const stores = await Promise.all(['a', 'b'].map((writer) => openStore({ url, writer, clock: Date.now })));
  const [first] = stores;
  assert.ok(first);
  const errors: unknown[] = [];
  const live = await followStore(first, { clock: Date.now, onError: (error) => errors.push(error) });
  const seen: number[] = [];
  live.table.onChange((_changes, revision) => seen.push(revision));
  const acknowledged = new Map<string, string>();
  const refusals: unknown[] = [];
  let stop = false;
  const load = stores.flatMap((store, index) =>
    [0, 1, 2].map(async (lane) => {
      for (let turn = 0; !stop; turn += 1) {
        const [id, name] = [`g${index}-${lane}`, String(turn)];
        try {
          await store.commit([{ kind: 'group', id, body: group(name) }], [event(`${id}-${turn}`)]);
          acknowledged.set(id, name);
        } catch (error) {
          refusals.push(error);
          await sleep(20);
        }
      }
    }),
  );
  try {
    for (let round = 0; round < 3; round += 1) {
      await sleep(400);
      await server.kill();
      await sleep(100);
      await server.start();
    }
    await sleep(400);
    stop = true;
    await Promise.all(load);
    const { revision } = await first.head();
    await live.reach(revision);
    assert.ok(refusals.length > 0, 'the load ran while the server was down');
    for (const error of [...refusals, ...errors]) {
      assert.ok(error instanceof StoreError && error.code === 'unavailable', String(error));
    }
    assert.deepEqual(
      seen,
      Array.from({ length: revision }, (_, index) => index + 1),
    );
    for (const [id, name] of acknowledged) {
      const standing = Number(live.table.get('group', id)?.displayName);
      assert.ok(standing >= Number(name), `${id} was acknowledged at ${name} and stands at ${standing}`);
    }
    const pending = new Set((await first.outboxPending()).map((one) => one.id));
    assert.ok(pending.size > 0);
  } finally {
    stop = true;
    await Promise.all(load);
    await live.close();
    await Promise.all(stores.map((store) => store.close()));
  }
});

test('a database that cannot be reached is a clear error', async () => {
  await assert.rejects(
    openStore({ url: 'postgres://nullius@127.0.0.1:1/none', clock: Date.now }),
    (error) => error instanceof StoreError && error.code === 'unavailable' && /cannot be reached/.test(error.message),
  );
  const url = await server.createDatabase();
  await assert.rejects(
    openStore({ url: url.replace(/[^/]*$/, 'absent'), clock: Date.now }),
    (error) => error instanceof StoreError && error.code === 'unavailable',
  );
});
