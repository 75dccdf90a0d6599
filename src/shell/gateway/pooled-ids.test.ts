import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { toIdentifier } from '#foundation/encoding';
import { pooledIds } from './pooled-ids.ts';

test('pooledIds() gives every 16 random bytes once, as the identifier that they are elsewhere', () => {
  const drawn: Buffer[] = [];
  const newId = pooledIds((count) => {
    const bytes = Buffer.alloc(count);
    for (let at = 0; at < count; at += 32)
      createHash('sha256').update(`${drawn.length} ${at}`).digest().copy(bytes, at);
    drawn.push(bytes);
    // The caller's own: what it does with these bytes later changes no id.
    return Buffer.from(bytes);
  });
  const ids = Array.from({ length: 3_000 }, newId);
  assert.equal(new Set(ids).size, ids.length);
  const bytes = Buffer.concat(drawn);
  const expected = ids.map((_, index) => toIdentifier(bytes.subarray(index * 16, index * 16 + 16)));
  assert.deepEqual(ids, expected);
  assert.ok(
    bytes.some((byte, at) => at % 16 === 0 && byte >> 2 === 62),
    'some would have begun with a hyphen',
  );
});
