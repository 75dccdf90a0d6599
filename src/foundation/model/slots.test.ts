import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Slots } from '#foundation/model';

test('Slots holds what a Set would hold, whatever comes and goes', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 30 }), { maxLength: 200 }), (steps) => {
      const slots = new Slots<{ n: number }>();
      const expected = new Set<{ n: number }>();
      const places = new Map<number, { slot: number; item: { n: number } }>();
      for (const n of steps) {
        const known = places.get(n);
        if (known === undefined) {
          const item = { n };
          places.set(n, { slot: slots.add(item), item });
          expected.add(item);
        } else {
          assert.equal(slots.delete(known.slot, known.item), true);
          // Told twice, it takes nobody else's place away.
          slots.add({ n: -1 });
          assert.equal(slots.delete(known.slot, known.item), false);
          for (const item of slots) if (item.n === -1) slots.delete(known.slot, item);
          expected.delete(known.item);
          places.delete(n);
        }
        const held = [...slots].filter((item) => item.n !== -1);
        assert.deepEqual(new Set(held), expected);
        for (const { slot, item } of places.values()) assert.ok(slots.has(slot, item));
      }
    }),
  );
});

test('Slots can be changed while it is gone through', () => {
  const slots = new Slots<{ n: number }>();
  const items = [0, 1, 2, 3].map((n) => ({ n }));
  const places = items.map((item) => slots.add(item));
  const given: number[] = [];
  for (const { n } of slots) {
    given.push(n);
    const next = items[n + 1];
    if (next !== undefined && n % 2 === 0) slots.delete(places[n + 1] ?? -1, next);
  }
  assert.deepEqual(given, [0, 2]);
  assert.equal(slots.size, 2);
});
