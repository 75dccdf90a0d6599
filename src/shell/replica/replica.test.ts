import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Publication } from '#foundation/model';
import { type FollowBench, group, makeFollowBench, token, until } from './replica-bench.ts';

const onBench = (
  title: string,
  body: (bench: FollowBench) => Promise<void>,
  options: { stallMs?: number; leaseMs?: () => number } = {},
) =>
  test(title, { timeout: 240_000 }, async () => {
    const bench = await makeFollowBench(options);
    try {
      await body(bench);
    } finally {
      await bench.end();
    }
  });

const write = (bench: FollowBench, id: string, name: string) =>
  bench.store.commit([{ kind: 'group', id, body: group(name) }]);

onBench('a replica takes a signed snapshot, then every commit, and is fresh', async (bench) => {
  await write(bench, 'ops', 'One');
  const replica = await bench.startReplica();
  assert.deepEqual(replica.state(), { state: 'never-synced' });
  assert.equal(replica.isFreshFor('public'), false);
  await replica.whenFresh();
  assert.equal(replica.table.get('group', 'ops')?.displayName, 'One');
  assert.ok(replica.isFreshFor('high'));
  const { revision } = await write(bench, 'ops', 'Two');
  await until(() => replica.table.revision === revision);
  assert.equal(replica.table.get('group', 'ops')?.displayName, 'Two');
  assert.equal(replica.table.epoch, (await bench.store.head()).epoch);
  assert.equal(bench.signed.length, 1);
});

onBench('a replica that was cut off goes on from where it was, without a snapshot', async (bench) => {
  await write(bench, 'ops', 'One');
  const replica = await bench.startReplica();
  await replica.whenFresh();
  await bench.stopControl();
  await until(() => replica.state().state === 'cut-off');
  assert.equal(replica.isFreshFor('high'), false, 'high sensitivity has no lease');
  assert.equal(replica.isFreshFor('medium'), true);
  for (let turn = 0; turn < 20; turn += 1) await write(bench, 'ops', `Turn ${turn}`);
  const seen: number[] = [];
  replica.table.onChange((_changes, revision) => seen.push(revision));
  await bench.startControl();
  await replica.whenFresh();
  assert.equal(replica.table.get('group', 'ops')?.displayName, 'Turn 19');
  assert.deepEqual(
    seen,
    Array.from({ length: 20 }, (_, index) => index + 2),
  );
  assert.equal(bench.signed.length, 1);
});

onBench('a replica that is further behind than the feed reaches gets a snapshot', async (bench) => {
  await write(bench, 'ops', 'One');
  const replica = await bench.startReplica();
  await replica.whenFresh();
  await bench.stopControl();
  await until(() => replica.state().state === 'cut-off');
  await write(bench, 'gone', 'Gone');
  await bench.store.commit([{ kind: 'group', id: 'gone', body: null }]);
  await write(bench, 'ops', 'Two');
  await bench.store.prune(Date.now() + 1_000_000);
  await bench.startControl();
  await until(() => replica.table.revision === 4);
  assert.equal(replica.table.get('group', 'ops')?.displayName, 'Two');
  assert.equal(bench.signed.length, 2);
});

onBench('facts older than the newest ever seen are refused, also after a restart', async (bench) => {
  await write(bench, 'ops', 'One');
  const { epoch } = await bench.store.head();
  const first = await bench.startReplica();
  await first.whenFresh();
  await first.close();
  const file = join(bench.folder, 'position.json');
  assert.deepEqual(JSON.parse(await readFile(file, 'utf8')), { epoch, revision: 1, publication: 0 });
  for (const known of [
    { epoch, revision: 2 },
    { epoch: epoch + 1, revision: 0 },
  ]) {
    await writeFile(file, JSON.stringify(known));
    const replica = await bench.startReplica();
    bench.problems.length = 0;
    await until(() => bench.problems.some((problem) => problem.code === 'replayed'));
    assert.equal(replica.state().state, 'never-synced');
    assert.equal(replica.table.size, 0);
    await replica.close();
    assert.deepEqual(JSON.parse(await readFile(file, 'utf8')), known);
  }
});

onBench('a position file that cannot be read is an error, not a fresh start', async (bench) => {
  await writeFile(join(bench.folder, 'position.json'), '{"epoch": 5');
  await assert.rejects(bench.startReplica(), /cannot be read/);
});

const publicationOf = (sequence: number, manifest = 'good'): Publication => ({
  ...{ sequence, schema: '', policies: [], author: 'x', message: '', publishedAt: 1, parsed: null, states: [] },
  ...{ tests: [], invariants: [], git: null, override: null, manifest },
});
const publish = (bench: FollowBench, publication: Publication) =>
  bench.store.commit([{ kind: 'publication', id: 'current', body: publication }]);

onBench(
  'a publication that was replaced is not taken again, signed though it is, nor after a restart',
  async (bench) => {
    for (const sequence of [1, 2]) await publish(bench, publicationOf(sequence));
    const replica = await bench.startReplica();
    await replica.whenFresh();
    await publish(bench, publicationOf(3));
    await until(() => replica.table.get('publication', 'current')?.sequence === 3);
    await publish(bench, publicationOf(1));
    await until(() => bench.problems.some(({ code, message }) => code === 'replayed' && /publication 1/.test(message)));
    assert.equal(replica.table.get('publication', 'current')?.sequence, 3);
    await replica.close();
    bench.problems.length = 0;
    const again = await bench.startReplica();
    await until(() => bench.problems.some(({ code }) => code === 'replayed'));
    assert.equal(again.state().state, 'never-synced');
    await publish(bench, publicationOf(4));
    await again.whenFresh();
    assert.equal(again.table.get('publication', 'current')?.sequence, 4);
  },
);

onBench('a publication whose manifest does not verify never takes effect', async (bench) => {
  const publication = (sequence: number) => publicationOf(sequence, sequence === 2 ? 'forged' : 'good');
  await bench.store.commit([{ kind: 'publication', id: 'current', body: publication(1) }]);
  const replica = await bench.startReplica({
    verifyPublication: async ({ manifest }) => assert.equal(manifest, 'good'),
  });
  await replica.whenFresh();
  await bench.store.commit([{ kind: 'publication', id: 'current', body: publication(2) }]);
  await until(() => bench.problems.some((problem) => problem.code === 'not-authentic'));
  assert.equal(replica.table.get('publication', 'current')?.sequence, 1);
  assert.notEqual(replica.state().state, 'fresh');
  await bench.store.commit([{ kind: 'publication', id: 'current', body: publication(3) }]);
  await until(() => bench.problems.filter((problem) => problem.code === 'not-authentic').length > 2);
  assert.equal(replica.table.get('publication', 'current')?.sequence, 1, 'the forged one is not stepped over');
});

onBench('the lease ends by monotonic time, whatever the wall clock does', async (bench) => {
  await write(bench, 'ops', 'One');
  let leap = 0;
  let wall = Date.now();
  const states: string[] = [];
  const replica = await bench.startReplica({
    clock: () => wall,
    monotonicClock: () => performance.now() + leap,
  });
  replica.onState(({ state }) => states.push(state));
  await replica.whenFresh();
  await bench.stopControl();
  await until(() => replica.state().state === 'cut-off');
  for (const jump of [-1e12, 1e12]) {
    wall = Date.now() + jump;
    assert.equal(replica.state().state, 'cut-off');
    assert.ok(replica.isFreshFor('low'));
  }
  leap += 61_000;
  assert.equal(replica.state().state, 'lease-ended');
  assert.equal(replica.isFreshFor('public'), false);
  await until(() => states.at(-1) === 'lease-ended');
  await bench.startControl();
  await replica.whenFresh();
  assert.deepEqual(states, ['fresh', 'cut-off', 'lease-ended', 'fresh']);
});

const setting = { leaseMs: 60_000, told: 0 };
onBench(
  'a changed lease takes effect with the next heartbeat, on the same connection',
  async (bench) => {
    const replica = await bench.startReplica();
    await replica.whenFresh();
    setting.leaseMs = 0;
    const { told } = setting;
    await until(() => setting.told > told);
    // What comes behind the heartbeat shows that it came.
    const { revision } = await write(bench, 'ops', 'One');
    await until(() => replica.table.revision === revision);
    assert.deepEqual(bench.problems, []);
    await bench.stopControl();
    await until(() => replica.state().state !== 'fresh');
    assert.equal(replica.state().state, 'lease-ended', 'no time is left to go on');
    assert.equal(replica.isFreshFor('public'), false);
  },
  {
    leaseMs: () => {
      setting.told += 1;
      return setting.leaseMs;
    },
  },
);

onBench('no heartbeat renews a lease while the store cannot be read', async (bench) => {
  await write(bench, 'ops', 'One');
  const replica = await bench.startReplica();
  await replica.whenFresh();
  await bench.store.close();
  await until(() => replica.state().state === 'cut-off');
  assert.equal(replica.isFreshFor('high'), false);
});

onBench(
  'a follower that takes nothing is cut, and others are served meanwhile',
  async (bench) => {
    const replica = await bench.startReplica();
    await replica.whenFresh();
    const slow = request({
      socketPath: bench.socketPath,
      path: '/follow',
      headers: { authorization: `Bearer ${token}` },
      agent: false,
    });
    slow.on('error', () => {});
    slow.on('response', (response) => response.on('error', () => {}).pause());
    slow.end();
    await until(() => bench.follow.followers === 2);
    const words = 'x'.repeat(500);
    while (bench.follow.followers === 2) {
      const writes = Array.from({ length: 500 }, (_, index) => ({
        kind: 'group' as const,
        id: `g${index}`,
        body: group(`${words.slice(20)}${bench.live.table.revision}`),
      }));
      const { revision } = await bench.store.commit(writes);
      await until(() => replica.table.revision === revision);
    }
    assert.equal(bench.follow.followers, 1);
    await replica.whenFresh();
    slow.destroy();
  },
  // Far from what a busy machine does to the other follower.
  { stallMs: 2_000 },
);

onBench('nobody follows without the token', async (bench) => {
  const replica = await bench.startReplica({ control: { socketPath: bench.socketPath, token: 'another' } });
  await until(() => bench.problems.some((problem) => problem.code === 'refused'));
  assert.equal(replica.state().state, 'never-synced');
});

onBench('a replica that stood still connects anew before it believes a heartbeat', async (bench) => {
  await write(bench, 'ops', 'One');
  let leap = 0;
  const replica = await bench.startReplica({ monotonicClock: () => performance.now() + leap });
  await replica.whenFresh();
  const states: string[] = [];
  replica.onState(({ state }) => states.push(state));
  bench.problems.length = 0;
  leap += 30_000;
  await until(() => bench.problems.length > 0);
  assert.match(bench.problems[0]?.message ?? '', /stood still/);
  await replica.whenFresh();
  await until(() => states.at(-1) === 'fresh');
  assert.equal(states[0], 'cut-off');
  assert.equal(bench.signed.length, 1);
});
