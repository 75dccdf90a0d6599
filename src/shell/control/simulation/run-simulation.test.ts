import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FactRow } from '#foundation/model';
import { heldEntitiesMax, neededOf } from './run-simulation.ts';

const entity = (at: number): FactRow => {
  const uid = { type: 'Zoo::Flag', id: String(at) };
  return { kind: 'entity', id: `Zoo::Flag::"${at}"`, revision: 1, body: { uid, attrs: {}, parents: [] } };
};
const removed = (kind: 'user' | 'journal-key'): FactRow => ({ kind, id: 'ada', revision: 1, body: null });

test('a rehearsal holds entities of applications up to a number, never keys, and says when it goes without', () => {
  const rows = [
    removed('user'),
    removed('journal-key'),
    ...Array.from({ length: heldEntitiesMax }, (_, at) => entity(at)),
  ];
  const held = neededOf(rows);
  assert.ok(held.areEntitiesHeld);
  assert.equal(held.needed(rows).length, 1 + heldEntitiesMax);
  const beyond = neededOf([...rows, entity(heldEntitiesMax)]);
  assert.ok(!beyond.areEntitiesHeld);
  assert.deepEqual(beyond.needed(rows), [removed('user')]);
});
