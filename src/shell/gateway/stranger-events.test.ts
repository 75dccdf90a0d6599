import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JournalEvent } from '#foundation/model';
import { StrangerEvents } from './stranger-events.ts';

const request = { answer: 'allow', resource: 'demo', reason: 'public', policies: [], address: '::1' } as const;

test('StrangerEvents keeps what the journal refused and writes it with the next flush', async () => {
  const written: JournalEvent[] = [];
  const faults: unknown[] = [];
  let isFull = true;
  let ids = 0;
  const strangers = new StrangerEvents({
    clock: () => 1_800_000_000_000,
    randomBytes: (count) => new Uint8Array(count).fill(++ids),
    at: () => ({ policySequence: 1, factRevision: 1 }),
    record: async (event) => {
      if (isFull) throw new Error('full');
      written.push(event);
    },
    onFault: (error) => faults.push(error),
  });
  assert.equal(strangers.note(request), 1);
  assert.equal(strangers.note(request), 2);
  assert.equal(strangers.note({ ...request, resource: 'other' }), 1);
  await strangers.flush();
  assert.equal(faults.length, 1);
  isFull = false;
  assert.equal(strangers.note(request), 1, 'counted anew after a flush');
  await strangers.flush();
  assert.deepEqual(
    written.map(({ payload }) => payload['count']),
    [2, 1, 1],
  );
  await strangers.flush();
  assert.equal(written.length, 3);
});

test('StrangerEvents gives up the oldest summaries when too many wait', async () => {
  const faults: string[] = [];
  const strangers = new StrangerEvents({
    clock: () => 1_800_000_000_000,
    randomBytes: (count) => new Uint8Array(count),
    at: () => ({ policySequence: 1, factRevision: 1 }),
    record: async () => {
      throw new Error('full');
    },
    onFault: (error) => faults.push(String(error)),
  });
  for (let flush = 0; flush < 3; flush += 1) {
    for (let each = 0; each < 900; each += 1) strangers.note({ ...request, resource: `app-${each}` });
    await strangers.flush();
  }
  assert.match(faults.at(-1) ?? '', /700 summaries/);
});
