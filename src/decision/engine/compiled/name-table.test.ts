import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { EntityRef } from './entity-ref.ts';
import { hashOf, NameTable } from './name-table.ts';

/** Ids that all want the same place, in tables of up to 1,024 slots. */
function collidingIds(count: number): string[] {
  const ids: string[] = [];
  for (let index = 0; ids.length < count; index += 1) if ((hashOf(`c${index}`) & 1023) === 1021) ids.push(`c${index}`);
  return ids;
}

describe('NameTable', () => {
  test('finds what a Map would, whatever is added and deleted, also where ids were chosen to collide', () => {
    const ids = [...collidingIds(80), ...Array.from({ length: 80 }, (_, index) => `${index}`), '', 'ä', '\u{1f600}'];
    // So long that only their ends count for the hash.
    ids.push(...Array.from({ length: 40 }, (_, index) => `${index + 10}${'-'.repeat(100)}`));
    const change = fc.record({ id: fc.constantFrom(...ids), isAdded: fc.integer({ max: 3 }).map((n) => n !== 0) });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 600, size: 'max' }), (changes) => {
        const [table, model] = [new NameTable(), new Map<string, EntityRef>()];
        for (const { id, isAdded } of changes) {
          const known = model.get(id);
          if (isAdded && known === undefined) {
            const ref = new EntityRef('User', id);
            table.add(ref);
            model.set(id, ref);
          } else if (!isAdded && known !== undefined) {
            table.delete(known);
            model.delete(id);
          }
        }
        for (const id of ids) assert.equal(table.get(id), model.get(id), id);
        assert.equal(table.size, model.size);
        assert.deepEqual(new Set(table.values()), new Set(model.values()));
      }),
      { numRuns: 60 },
    );
  });

  test('looks at no more than the end of a long id, which may be asked about thousands of times', () => {
    const end = 'x'.repeat(64);
    assert.equal(hashOf(`${'a'.repeat(100_000)}${end}`), hashOf(`${'b'.repeat(100_000)}${end}`));
  });

  test('deletes nothing for an entity that it does not hold', () => {
    const table = new NameTable();
    const held = collidingIds(20).map((id) => new EntityRef('User', id));
    for (const ref of held) table.add(ref);
    table.delete(new EntityRef('User', held[3]?.id ?? ''));
    assert.equal(table.size, held.length);
    for (const ref of held) assert.equal(table.get(ref.id), ref);
  });
});
