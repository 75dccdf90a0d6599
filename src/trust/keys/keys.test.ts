import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  createKeyring,
  formatRootKeys,
  KeysError,
  parseRootKeys,
  type RootKey,
  rootKeyFrom,
  rootKeysMax,
} from './index.ts';

const rootKey = (byte: number): RootKey => rootKeyFrom(new Uint8Array(32).fill(byte));
const codeIs = (code: string) => (error: unknown) => error instanceof KeysError && error.code === code;
const keyBytes = fc.uint8Array({ minLength: 1, maxLength: 200 });
const purposes = fc.string({ minLength: 1, maxLength: 50 });
const textOf = (wrapped: string) => wrapped.split('.') as [string, string, string];

test('parseRootKeys() reads what formatRootKeys() wrote, and lines for people', () => {
  const keys = [rootKey(1), rootKey(2)];
  assert.deepEqual(parseRootKeys(`# keep a copy elsewhere\n\n${formatRootKeys(keys)}`), keys);
});

test('parseRootKeys() refuses a damaged, repeated, foreign or missing key', () => {
  const line = formatRootKeys([rootKey(1)]);
  const damaged = line.replace(
    / (.)(\S+)\n$/,
    (_all, first: string, rest: string) => ` ${first === 'B' ? 'C' : 'B'}${rest}\n`,
  );
  for (const text of [
    '',
    '# nothing\n',
    damaged,
    line + line,
    `${line}surplus\n`,
    line.trimEnd().concat(' x\n'),
    `\uFEFF${line}`,
  ])
    assert.throws(() => parseRootKeys(text), codeIs('root-key-file'), JSON.stringify(text));
  const many = Array.from({ length: rootKeysMax + 1 }, (_, index) => rootKey(index));
  assert.throws(() => parseRootKeys(formatRootKeys(many)), codeIs('root-key-file'));
});

test('parseRootKeys() never quotes the file in its message', () => {
  const text = 'c2VjcmV0LXNlY3JldC1zZWNyZXQ\n';
  assert.throws(
    () => parseRootKeys(text),
    (error: Error) => !error.message.includes('c2Vj'),
  );
});

test('unwrap() gives back what wrap() took, under the same purpose only', () => {
  const ring = createKeyring([rootKey(1)], 'data');
  fc.assert(
    fc.property(keyBytes, purposes, purposes, (key, purpose, other) => {
      const wrapped = ring.wrap(key, purpose);
      assert.deepEqual(new Uint8Array(ring.unwrap(wrapped, purpose)), key);
      if (purpose !== other) assert.throws(() => ring.unwrap(wrapped, other), codeIs('not-authentic'));
    }),
  );
});

test('unwrap() never opens the wrap of another owner', () => {
  const roots = [rootKey(1)];
  const wrapped = createKeyring(roots, 'signer').wrap(new Uint8Array(32), 'token/1');
  assert.throws(() => createKeyring(roots, 'data').unwrap(wrapped, 'token/1'), codeIs('not-authentic'));
});

test('a rotated keyring wraps under the newest root key and still unwraps old wraps', () => {
  const before = createKeyring([rootKey(1)], 'data');
  const wrapped = before.wrap(Buffer.from('data key'), 'store');
  const after = createKeyring([rootKey(1), rootKey(2)], 'data');
  assert.equal(after.isCurrent(wrapped), false);
  const again = after.rewrap(wrapped, 'store');
  assert.ok(after.isCurrent(again));
  assert.equal(textOf(again)[1], rootKey(2).id);
  const retired = createKeyring([rootKey(2)], 'data');
  assert.equal(Buffer.from(retired.unwrap(again, 'store')).toString(), 'data key');
  assert.throws(() => retired.unwrap(wrapped, 'store'), codeIs('unknown-root-key'));
});

test('unwrap() refuses a wrap that claims another root key', () => {
  const ring = createKeyring([rootKey(1), rootKey(2)], 'data');
  const [version, , sealed] = textOf(ring.wrap(new Uint8Array(32), 'store'));
  assert.throws(() => ring.unwrap(`${version}.${rootKey(1).id}.${sealed}`, 'store'), codeIs('not-authentic'));
});

test('unwrap() refuses text in any other form', () => {
  const ring = createKeyring([rootKey(1)], 'data');
  const [version, id, sealed] = textOf(ring.wrap(new Uint8Array(32), 'store'));
  for (const text of [
    '',
    'w1',
    `w2.${id}.${sealed}`,
    `${version}.${id}.${sealed}=`,
    `${version}.${id}. ${sealed}`,
    `${version}.${id}.${sealed}.x`,
  ])
    assert.throws(() => ring.unwrap(text, 'store'), codeIs('malformed-wrap'), text);
  fc.assert(fc.property(fc.string(), (text) => assert.throws(() => ring.unwrap(text, 'store'), KeysError)));
});
