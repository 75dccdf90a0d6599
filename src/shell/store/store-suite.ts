// One suite for both databases: store.test.ts runs it on SQLite, store.system.test.ts on PostgreSQL.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { FactRow, Group, JournalEvent } from '#foundation/model';
import { FactTable } from '#information/inventory';
import { followStore, type OpenStoreOptions, type Store, StoreError } from './index.ts';
import { migrationTests } from './migration-suite.ts';

/** Gives a fresh, empty database; `open` can be called again on the same one. */
export interface Bench {
  open(options?: Partial<OpenStoreOptions>): Promise<Store>;
  /** Without the signer's envelope encryption. */
  openKeyless(): Promise<Store>;
  end(): Promise<void>;
}

export function group(displayName: string): Group {
  return { displayName, description: '', memberOf: [], origin: 'api' };
}

export function event(id: string): JournalEvent {
  return {
    id,
    time: 1,
    classUid: 3004,
    activityId: 1,
    severityId: 1,
    statusId: 1,
    subject: 'system',
    policySequence: 0,
    factRevision: 0,
    payload: { message: 'ok' },
  };
}

const code = (wanted: StoreError['code']) => (error: unknown) => error instanceof StoreError && error.code === wanted;

export function storeSuite(name: string, makeBench: () => Promise<Bench>): void {
  const onStore = (title: string, body: (store: Store, bench: Bench) => Promise<void>) =>
    test(title, async () => {
      const bench = await makeBench();
      try {
        const store = await bench.open();
        try {
          await body(store, bench);
        } finally {
          await store.close();
        }
      } finally {
        await bench.end();
      }
    });

  describe(`store on ${name}`, () => {
    onStore('commit() writes facts, feed and outbox at one revision', async (store) => {
      const first = await store.commit([{ kind: 'group', id: 'ops', body: group('Ops') }], [event('e1')]);
      const second = await store.commit(
        [
          { kind: 'group', id: 'ops', body: null },
          { kind: 'group', id: 'dev', body: group('Dev') },
        ],
        [event('e2')],
      );
      assert.deepEqual([first.revision, second.revision], [1, 2]);
      assert.equal(await store.read('group', 'ops'), undefined);
      assert.deepEqual(await store.read('group', 'dev'), { revision: 2, body: group('Dev') });
      const page = await store.changesSince(0);
      assert.deepEqual(
        page?.changes.map((change) => [change.revision, change.facts.map((fact) => [fact.id, fact.body === null])]),
        [
          [1, [['ops', false]]],
          [
            2,
            [
              ['dev', false],
              ['ops', true],
            ],
          ],
        ],
      );
      assert.deepEqual(await store.outboxPending(), [event('e1'), event('e2')]);
      await store.outboxDone(['e1']);
      assert.deepEqual(await store.outboxPending(), [event('e2')]);
    });

    onStore('commit() without an effect takes no revision', async (store) => {
      await store.commit([{ kind: 'group', id: 'ops', body: group('Ops') }]);
      const same = await store.commit([{ kind: 'group', id: 'ops', body: group('Ops') }]);
      const absent = await store.commit([{ kind: 'group', id: 'nobody', body: null }]);
      const words = await store.commit([], [event('e1')]);
      assert.deepEqual([same.revision, absent.revision, words.revision], [1, 1, 1]);
      assert.equal((await store.outboxPending()).length, 1);
    });

    onStore('commit() refuses a fact at another revision than expected, and then writes nothing', async (store) => {
      await store.commit([{ kind: 'group', id: 'ops', body: group('Ops') }]);
      const attempt = (expectedRevision: number) =>
        store.commit(
          [
            { kind: 'group', id: 'new', body: group('New') },
            { kind: 'group', id: 'ops', body: group('Ops 2'), expectedRevision },
          ],
          [event('e1')],
        );
      await assert.rejects(attempt(0), code('conflict'));
      await assert.rejects(attempt(7), code('conflict'));
      assert.equal(await store.read('group', 'new'), undefined);
      assert.deepEqual(await store.outboxPending(), []);
      assert.equal((await attempt(1)).revision, 2);
    });

    onStore('commit() refuses an invalid body, an unfit id, a fact given twice', async (store) => {
      const bad = { ...group('x'), memberOf: ['NOT A NAME'] };
      await assert.rejects(store.commit([{ kind: 'group', id: 'ops', body: bad }]), code('invalid'));
      await assert.rejects(store.commit([{ kind: 'group', id: 'o\0ps', body: group('x') }]), code('invalid'));
      const twice = { kind: 'group', id: 'ops', body: group('x') } as const;
      await assert.rejects(store.commit([twice, twice]), code('invalid'));
      assert.equal((await store.head()).revision, 0);
    });

    onStore('commit() refuses an event id that is in the outbox already', async (store) => {
      await store.commit([], [event('e1')]);
      await assert.rejects(
        store.commit([{ kind: 'group', id: 'ops', body: group('Ops') }], [event('e1')]),
        code('invalid'),
      );
      assert.equal((await store.head()).revision, 0);
    });

    onStore('commit() takes thousands of facts at one revision', async (store) => {
      const writes = Array.from({ length: 3_000 }, (_, index) => ({
        kind: 'group' as const,
        id: `g${index}`,
        body: group(`Group ${index}`),
      }));
      assert.equal((await store.commit(writes)).revision, 1);
      assert.equal((await store.changesSince(0))?.changes[0]?.facts.length, 3_000);
      assert.equal((await store.snapshot()).rows.length, 3_000);
    });

    onStore('text of every kind comes back as it went in', async (store) => {
      const words = 'é\u0000\ud83d\ude00 \u2028"\\\'; drop table fact; --';
      await store.commit([{ kind: 'group', id: "it's", body: group(words) }]);
      assert.equal((await store.read('group', "it's"))?.body.displayName, words);
    });

    onStore('transaction() commits rows and facts together or not at all', async (store) => {
      await assert.rejects(
        store.transaction(async (transaction) => {
          await transaction.rows.insertInto('meta').values({ name: 'probe', value: '1' }).execute();
          await transaction.write([{ kind: 'group', id: 'ops', body: group('Ops') }]);
          throw new Error('given up');
        }),
        /given up/,
      );
      const probe = () => store.rows.selectFrom('meta').select('value').where('name', '=', 'probe').executeTakeFirst();
      assert.equal(await probe(), undefined);
      assert.equal((await store.head()).revision, 0);
      const done = await store.transaction(async (transaction) => {
        await transaction.rows.insertInto('meta').values({ name: 'probe', value: '1' }).execute();
        await transaction.write([{ kind: 'group', id: 'ops', body: group('Ops') }]);
        await transaction.write([{ kind: 'group', id: 'ops', body: group('Ops 2') }]);
        return (await transaction.read('group', 'ops'))?.body.displayName;
      });
      assert.deepEqual(done, { revision: 1, value: 'Ops 2' });
      assert.equal((await probe())?.value, '1');
      assert.deepEqual(
        (await store.history('group', 'ops')).map((version) => version.body.displayName),
        ['Ops 2'],
      );
    });

    onStore('factAt(), snapshotAt() and history() tell what was', async (store) => {
      await store.commit([{ kind: 'group', id: 'ops', body: group('One') }]);
      await store.commit([{ kind: 'group', id: 'dev', body: group('Dev') }]);
      await store.commit([{ kind: 'group', id: 'ops', body: group('Two') }]);
      await store.commit([{ kind: 'group', id: 'ops', body: null }]);
      const at = async (revision: number) => (await store.factAt('group', 'ops', revision))?.displayName;
      assert.deepEqual(
        [await at(0), await at(1), await at(2), await at(3), await at(4)],
        [undefined, 'One', 'One', 'Two', undefined],
      );
      const then = (await store.snapshotAt(2)).rows.map((row) => row.id).sort();
      assert.deepEqual(then, ['dev', 'ops']);
      const history = await store.history('group', 'ops');
      assert.deepEqual(
        history.map((version) => [version.fromRevision, version.toRevision, version.body.displayName]),
        [
          [3, 4, 'Two'],
          [1, 3, 'One'],
        ],
      );
      await assert.rejects(store.factAt('group', 'ops', 5), code('invalid'));
    });

    onStore('a removed journal key leaves no version behind', async (store) => {
      await store.commit([{ kind: 'journal-key', id: 'u1', body: { key: 'secret-key-text' } }]);
      await store.commit([{ kind: 'journal-key', id: 'u1', body: { key: 'other-key-text' } }]);
      await store.commit([{ kind: 'journal-key', id: 'u1', body: null }]);
      assert.deepEqual(await store.history('journal-key', 'u1'), []);
      const bodies = await store.rows.selectFrom('fact_version').select('body').execute();
      assert.ok(!JSON.stringify(bodies).includes('key-text'));
      assert.equal((await store.changesSince(0))?.changes.length, 3);
    });

    onStore('a journal key lies sealed in every row and reads the same by every path', async (store, bench) => {
      const key = 'journal-key-text-of-u1';
      const write = { kind: 'journal-key', id: 'u1', body: { key } } as const;
      await store.commit([write]);
      assert.equal((await store.commit([write])).revision, 1, 'an equal body still changes nothing');
      for (const table of ['fact', 'fact_version'] as const) {
        const [row] = await store.rows.selectFrom(table).select('body').execute();
        assert.match(row?.body ?? '', /^s1\.[^.]+\.[\w-]+$/);
      }
      const again = await bench.open();
      try {
        assert.deepEqual((await again.read('journal-key', 'u1'))?.body, { key });
        assert.deepEqual((await again.snapshot()).rows[0]?.body, { key });
        assert.deepEqual((await again.snapshotAt(1)).rows[0]?.body, { key });
        assert.deepEqual((await again.changesSince(0))?.changes[0]?.facts[0]?.body, { key });
        assert.deepEqual(await again.factAt('journal-key', 'u1', 1), { key });
        assert.deepEqual((await again.history('journal-key', 'u1'))[0]?.body, { key });
        const { value } = await again.transaction((transaction) => transaction.read('journal-key', 'u1'));
        assert.deepEqual(value?.body, { key });
      } finally {
        await again.close();
      }
    });

    onStore('a sealed row that was altered, swapped or put in plain is refused', async (store) => {
      const ids = ['u1', 'u2'];
      await store.commit(ids.map((id) => ({ kind: 'journal-key', id, body: { key: `key-text-of-${id}` } })));
      const rows = await store.rows.selectFrom('fact').select(['id', 'body']).orderBy('id').execute();
      const [first = '', second = ''] = rows.map((row) => row.body);
      const plain = '{"key":"chosen-by-somebody-else"}';
      const flipped = `${first.slice(0, -3)}${first.at(-3) === 'A' ? 'B' : 'A'}${first.slice(-2)}`;
      for (const body of [second, plain, flipped, first.slice(0, 60), '']) {
        await store.rows.updateTable('fact').set({ body }).where('id', '=', 'u1').execute();
        await assert.rejects(store.read('journal-key', 'u1'), code('corrupt'));
        await assert.rejects(store.snapshot(), code('corrupt'));
      }
    });

    onStore(
      'journal keys that an older version left plain are sealed when the store is opened',
      async (_store, bench) => {
        const older = await bench.open();
        await older.commit([{ kind: 'journal-key', id: 'u1', body: { key: 'plain-key-text' } }]);
        const body = '{"key":"plain-key-text"}';
        await older.rows.updateTable('fact').set({ body }).execute();
        await older.rows.updateTable('fact_version').set({ body }).execute();
        await older.rows.deleteFrom('data_key').execute();
        await older.close();
        const store = await bench.open();
        try {
          assert.deepEqual((await store.read('journal-key', 'u1'))?.body, { key: 'plain-key-text' });
          const bodies = await store.rows.selectFrom('fact_version').select('body').execute();
          assert.ok(!JSON.stringify(bodies).includes('key-text'));
        } finally {
          await store.close();
        }
      },
    );

    onStore('stores that are opened at once share one key for facts', async (_store, bench) => {
      const stores = await Promise.all([bench.open(), bench.open()]);
      try {
        const [one, other] = stores;
        await one?.commit([{ kind: 'journal-key', id: 'u1', body: { key: 'key-text-of-u1' } }]);
        assert.deepEqual((await other?.read('journal-key', 'u1'))?.body, { key: 'key-text-of-u1' });
      } finally {
        for (const store of stores) await store.close();
      }
    });

    onStore('a store without data keys refuses journal keys', async (store, bench) => {
      await store.commit([{ kind: 'journal-key', id: 'u1', body: { key: 'key-text-of-u1' } }]);
      const keyless = await bench.openKeyless();
      try {
        await assert.rejects(keyless.read('journal-key', 'u1'), code('invalid'));
        const write = { kind: 'journal-key', id: 'u2', body: { key: 'key-text-of-u2' } } as const;
        await assert.rejects(keyless.commit([write]), code('invalid'));
      } finally {
        await keyless.close();
      }
    });

    onStore('prune() shortens the feed, keeps what stands, and says so', async (_store, bench) => {
      let now = 100;
      const store = await bench.open({ clock: () => now });
      try {
        await store.commit([{ kind: 'group', id: 'ops', body: group('One') }]);
        now = 200;
        await store.commit([{ kind: 'group', id: 'ops', body: group('Two') }]);
        now = 300;
        await store.commit([{ kind: 'group', id: 'ops', body: group('Three') }]);
        await store.prune(300);
        assert.equal(await store.changesSince(1), undefined);
        assert.equal((await store.changesSince(2))?.changes.length, 1);
        await assert.rejects(store.factAt('group', 'ops', 1), code('pruned'));
        assert.equal((await store.factAt('group', 'ops', 2))?.displayName, 'Two');
        await store.prune(1_000);
        assert.equal((await store.read('group', 'ops'))?.body.displayName, 'Three');
        assert.deepEqual((await store.changesSince(3))?.changes, []);
        assert.equal(await store.changesSince(4), undefined, 'a follower ahead of the store takes a snapshot');
      } finally {
        await store.close();
      }
    });

    onStore('any sequence of commits gives the same facts by feed, by snapshot and by history', async (store) => {
      const model = new FactTable({ clock: () => 0 });
      const followed = new FactTable({ clock: () => 0 });
      const perRevision: string[] = ['{}'];
      const state = (rows: readonly FactRow[]) =>
        JSON.stringify(
          rows.map((row) => [row.id, row.revision, row.body]).sort((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1)),
        );
      perRevision[0] = state([]);
      const write = fc.record({
        id: fc.constantFrom('a', 'b', 'c', 'd'),
        name: fc.option(fc.constantFrom('x', 'y', 'z')),
      });
      const commits = fc.sample(fc.uniqueArray(write, { selector: (one) => one.id, minLength: 1 }), {
        numRuns: 60,
        seed: 7,
      });
      for (const writes of commits) {
        const { revision } = await store.commit(
          writes.map(({ id, name }) => ({ kind: 'group', id, body: name === null ? null : group(name) })),
        );
        if (revision === model.revision) continue;
        const rows = writes
          .filter(({ id, name }) => (model.get('group', id)?.displayName ?? null) !== name)
          .map(({ id, name }): FactRow => ({ kind: 'group', id, revision, body: name === null ? null : group(name) }));
        model.apply(rows, revision);
        perRevision[revision] = state(model.rows());
        if (revision % 3 !== 0) continue;
        const page = await store.changesSince(followed.revision);
        for (const change of page?.changes ?? []) followed.apply(change.facts, change.revision);
        assert.equal(state(followed.rows()), perRevision[revision]);
      }
      assert.equal(state((await store.snapshot()).rows), perRevision.at(-1));
      for (const [revision, expected] of perRevision.entries()) {
        assert.equal(state((await store.snapshotAt(revision)).rows), expected);
      }
    });

    onStore('two stores on one database never lose or reorder a revision for a follower', async (store, bench) => {
      const other = await bench.open({ writer: 'control-2' });
      const live = await followStore(store, { clock: () => 0, onError: () => {} });
      const seen: number[] = [];
      live.table.onChange((_changes, revision) => seen.push(revision));
      try {
        const commits = 40;
        const work = [store, other].flatMap((one, index) =>
          [0, 1, 2].map(async (lane) => {
            for (let turn = 0; turn < commits; turn += 1) {
              const id = `s${index}-${lane}-${turn % 5}`;
              await one.commit([{ kind: 'group', id, body: group(`${turn}`) }], [event(`${id}-${turn}`)]);
            }
          }),
        );
        await Promise.all(work);
        const total = 2 * 3 * commits;
        await live.reach(total);
        assert.deepEqual(
          seen,
          Array.from({ length: total }, (_, index) => index + 1),
        );
        assert.equal((await store.outboxPending()).length, 3 * commits);
        assert.equal((await other.outboxPending()).length, 3 * commits);
      } finally {
        await live.close();
        await other.close();
      }
    });

    onStore('facts, epoch and instance are there after opening again', async (store, bench) => {
      await store.commit([{ kind: 'group', id: 'ops', body: group('Ops') }]);
      const again = await bench.open({ clock: () => 999_999 });
      try {
        assert.equal(again.instanceId, store.instanceId);
        assert.deepEqual(await again.snapshot(), await store.snapshot());
      } finally {
        await again.close();
      }
    });

    migrationTests(onStore);

    onStore('secrets open under their own name only, and only unaltered', async (_, bench) => {
      const store = await bench.open();
      try {
        const plaintext = Buffer.from('client secret of corp');
        await store.sealSecret('idp/corp', plaintext);
        await store.sealSecret('idp/other', Buffer.from('x'));
        assert.deepEqual(Buffer.from((await store.openSecret('idp/corp')) ?? []), plaintext);
        assert.equal(await store.openSecret('idp/none'), undefined);
        const rows = await store.rows.selectFrom('secret').selectAll().where('name', '=', 'idp/corp').execute();
        assert.ok(!Buffer.from(rows[0]?.sealed ?? []).includes('client'));
        await store.rows
          .updateTable('secret')
          .set({ sealed: rows[0]?.sealed ?? Buffer.alloc(0) })
          .where('name', '=', 'idp/other')
          .execute();
        await assert.rejects(store.openSecret('idp/other'), code('corrupt'));
        await store.deleteSecret('idp/corp');
        assert.equal(await store.openSecret('idp/corp'), undefined);
      } finally {
        await store.close();
      }
    });

    test('a closed store says so', async () => {
      const bench = await makeBench();
      const store = await bench.open();
      await store.close();
      await assert.rejects(store.head(), (error) => error instanceof StoreError);
      await assert.rejects(store.commit([]), (error) => error instanceof StoreError);
      await bench.end();
    });
  });
}
