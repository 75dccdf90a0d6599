import assert from 'node:assert/strict';
import { test } from 'node:test';
import { signStatement } from './index.ts';
import type { SigningKey } from './signing-key.ts';

const digest = 'A'.repeat(43);
const statement = (policy: object) => ({
  sequence: 1,
  schemaHash: digest,
  parsedHash: digest,
  policies: [{ id: 'p', hash: digest, ...policy }],
  author: 'User::"ada"',
  publishedAt: 1,
});
/** Refused statements never reach the key. */
const key = null as unknown as SigningKey;

test('signStatement() signs no policy in a state it does not know, nor a stage where none belongs', () => {
  for (const policy of [
    { state: 'draft' },
    { state: 'Enforced' },
    {},
    { state: 'staged' },
    { state: 'staged', stage: { percent: 101 } },
    { state: 'staged', stage: { percent: 10, segments: ['pci'] } },
    { state: 'staged', stage: { segments: [] } },
    { state: 'enforced', stage: { percent: 10 } },
    { state: 'shadow', until: 1 },
  ]) {
    assert.throws(
      () => signStatement({ purpose: 'publication', statement: statement(policy) }, key),
      { code: 'refused' },
      JSON.stringify(policy),
    );
  }
});
