import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JournalEvent } from '#foundation/model';
import { Outbox } from './outbox.ts';

const event = (id: string): JournalEvent => ({
  ...{ id, time: 0, classUid: 3001, activityId: 1, severityId: 1, statusId: 1, subject: id },
  ...{ policySequence: 0, factRevision: 0, payload: {} },
});

/** A store whose commits this process learns of only when it looks: the person's key and the event about them come together. */
function bench() {
  const committed: JournalEvent[] = [];
  const keys = new Set<string>();
  const sealed: [id: string, key: string][] = [];
  const outbox = new Outbox({
    store: {
      outboxPending: async () => [...committed],
      outboxDone: async (ids) => void committed.splice(0, ids.length),
    },
    refresh: async () => {
      for (const { subject } of committed) keys.add(subject);
    },
    append: async ({ id, subject }) => void sealed.push([id, keys.has(subject) ? subject : 'stranger']),
    has: async () => false,
  });
  return { committed, sealed, outbox };
}

test('an event of a person who was made just now is sealed with their own key, whoever delivers it first', async () => {
  const { committed, sealed, outbox } = bench();
  committed.push(event('ada'));
  await outbox.replay();
  committed.push(event('grace'));
  await outbox.deliver();
  assert.deepEqual(sealed, [
    ['ada', 'ada'],
    ['grace', 'grace'],
  ]);
});
