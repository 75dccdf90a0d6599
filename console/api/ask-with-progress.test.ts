import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventsIn } from './ask-with-progress.ts';

test('eventsIn() gives whole events and keeps what has not come yet', () => {
  const { events, rest } = eventsIn(
    'event: progress\ndata: {"type":"progress","replayed":1}\n\nevent: report\ndata: {"ty',
  );
  assert.deepEqual(events, [{ type: 'progress', replayed: 1 }]);
  assert.equal(rest, 'event: report\ndata: {"ty');
  assert.deepEqual(eventsIn(`${rest}pe":"report"}\n\n`).events, [{ type: 'report' }]);
  assert.deepEqual(eventsIn(': alive\n\n').events, []);
});
