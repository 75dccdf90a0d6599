import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { toBase64url, toIdentifier } from './index.ts';

test('toIdentifier() never begins with a hyphen, and keeps 16 bytes apart from one another', () => {
  const drawn = Array.from({ length: 2_000 }, (_, n) => createHash('sha256').update(`${n}`).digest().subarray(0, 16));
  const hyphens = drawn.filter((bytes) => toBase64url(bytes).startsWith('-'));
  assert.ok(hyphens.length > 10, 'some would have begun with one');
  const ids = drawn.map(toIdentifier);
  assert.equal(new Set(ids).size, ids.length);
  for (const id of ids) assert.match(id, /^\w[\w-]{21}$/);
});
