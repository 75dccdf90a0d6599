import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JournalEvent } from '#foundation/model';
import { boundRefusals } from './refusal-log.ts';

const event = { id: 'e', payload: { message: 'refused' } } as unknown as JournalEvent;

test('a flood of failed sign-ins is counted, not written, and the count is not lost', async () => {
  let now = 0;
  const written: JournalEvent[] = [];
  const emit = boundRefusals({
    clock: () => now,
    emit: async (given) => {
      written.push(given);
    },
  });
  for (let count = 0; count < 1_000; count += 1) await emit(event);
  assert.equal(written.length, 100);
  now += 2_000;
  await emit(event);
  assert.equal(written.length, 101);
  assert.equal(written.at(-1)?.payload['count'], 901);
});
