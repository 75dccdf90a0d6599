import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FactTable } from '#information/inventory';
import { fakeFact } from '../../../tests/fakes/fact-view.ts';
import { keysVersionOf } from './keys-version.ts';

test('keysVersionOf() counts a key that comes, changes or is erased, by a change or a new copy of all facts, and nothing else', () => {
  const facts = new FactTable({ clock: () => 0 });
  const version = keysVersionOf(facts);
  const row = (revision: number, key: string | null) =>
    ({ kind: 'journal-key', id: 'ada', revision, body: key === null ? null : { key } }) as const;
  const seen = [version()];
  const then = (change: () => void) => {
    change();
    seen.push(version());
  };
  then(() => facts.apply([row(1, 'a'.repeat(43))], 1));
  then(() => facts.apply([{ kind: 'user', id: 'ada', revision: 2, body: fakeFact('user') }], 2));
  then(() => facts.apply([row(3, 'b'.repeat(43))], 3));
  then(() => facts.apply([row(4, null)], 4));
  then(() => facts.replace({ epoch: 2, revision: 4, rows: [row(4, 'c'.repeat(43))] }));
  assert.deepEqual(seen, [0, 1, 1, 2, 3, 4]);
});
