import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { pooledIds } from './pooled-ids.ts';

test('pooledIds() gives every 16 random bytes once, as base64url', () => {
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
  const expected = Buffer.concat(drawn);
  for (const [index, id] of ids.entries()) {
    assert.match(id, /^[A-Za-z0-9_-]{22}$/);
    assert.deepEqual(Buffer.from(id, 'base64url'), expected.subarray(index * 16, index * 16 + 16));
  }
});
