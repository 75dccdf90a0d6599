import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { pooledIds } from './pooled-ids.ts';

test('pooledIds() gives every 16 random bytes once, as base64url, but for what begins with a hyphen', () => {
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
  const expected = Array.from({ length: bytes.byteLength / 16 }, (_, index) =>
    bytes.subarray(index * 16, index * 16 + 16).toString('base64url'),
  );
  const usable = expected.filter((id) => !id.startsWith('-'));
  assert.ok(usable.length < expected.length, 'some would have begun with a hyphen');
  assert.deepEqual(ids, usable.slice(0, ids.length));
});
