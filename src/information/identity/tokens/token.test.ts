import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { sha256Base64url } from '#foundation/crypto';
import {
  createKeyCaller,
  createToken,
  IdentityError,
  looksLikeToken,
  parseScope,
  revokeToken,
  scopeAllows,
} from '#information/identity';
import { type IdentityInstallation, openInstallation } from '../../../../tests/identity-installation.ts';

let site: IdentityInstallation;
before(async () => {
  site = await openInstallation();
});
after(() => site.close());

const owner = { type: 'User', id: 'u1' } as const;
const request = { label: 'ci', owner, scopes: ['log:read'], lifetimeMs: 3_600_000, by: 'User::"u1"' };

test('a token is found by its hash, carries a checksum, and can be revoked once', async () => {
  const { id, token } = await createToken(site.core, request);
  assert.match(token, /^nls_/);
  assert.ok(looksLikeToken(token));
  assert.ok(!looksLikeToken(`${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`));
  assert.equal(site.core.store.facts().tokenByHash(sha256Base64url(token))?.id, id);
  assert.equal(await revokeToken(site.core, { id, by: 'User::"u1"' }), true);
  assert.equal(await revokeToken(site.core, { id, by: 'User::"u1"' }), false);
  assert.equal(site.core.store.facts().get('token', id)?.status, 'revoked');
});

test('a token without scopes, with a wrong scope or a lifetime over a year is refused', async () => {
  for (const wrong of [
    { scopes: [] },
    { scopes: ['everything'] },
    { scopes: ['log:read', 'log:*'] },
    { lifetimeMs: 0 },
    { lifetimeMs: 400 * 24 * 3_600_000 },
    { lifetimeMs: Number.NaN },
  ]) {
    await assert.rejects(createToken(site.core, { ...request, ...wrong }), IdentityError);
  }
});

test('a caller by key has no value, and a key that was revoked is never given again', async () => {
  const asked = { ...request, scopes: ['pdp:app:wiki'], keyHash: 'k'.repeat(43) };
  const { id } = await createKeyCaller(site.core, asked);
  const { hash, keyHash } = site.core.store.facts().get('token', id) ?? {};
  assert.deepEqual([hash, keyHash], [`spki:${asked.keyHash}`, asked.keyHash]);
  await assert.rejects(createKeyCaller(site.core, asked), /make a new key/);
  await revokeToken(site.core, { id, by: 'User::"u1"' });
  await assert.rejects(createKeyCaller(site.core, asked), /make a new key/);
});

test('of those who register one key at the same time one gets it', async () => {
  const asked = { ...request, scopes: ['pdp:app:wiki'], keyHash: 'r'.repeat(43) };
  const owners = ['one', 'two', 'three'].map((id) => ({ type: 'User', id }) as const);
  const outcomes = await Promise.allSettled(owners.map((owner) => createKeyCaller(site.core, { ...asked, owner })));
  assert.deepEqual(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected', 'rejected']);
  const made = [...site.core.store.facts().all('token')].filter(([, { keyHash }]) => keyHash === asked.keyHash);
  assert.equal(made.length, 1);
});

test('a key that has a token of another id, as older ones do, is not given again', async () => {
  const asked = { ...request, scopes: ['pdp:app:wiki'], keyHash: 'o'.repeat(43) };
  const { id } = await createKeyCaller(site.core, { ...asked, keyHash: 'p'.repeat(43) });
  const made = site.core.store.facts().get('token', id);
  assert.ok(made);
  const older = { ...made, hash: `spki:${asked.keyHash}`, keyHash: asked.keyHash };
  await site.core.store.transact((transaction) => transaction.put('token', 'older', older));
  await assert.rejects(createKeyCaller(site.core, asked), /make a new key/);
});

test('an owner has at most 50 live tokens', async () => {
  const mine = { ...request, owner: { type: 'User', id: 'hoarder' } as const };
  for (let count = 0; count < 50; count += 1) await createToken(site.core, mine);
  await assert.rejects(createToken(site.core, mine), /50 live tokens/);
});

test('parseScope() reads the grammar and nothing else', () => {
  assert.deepEqual(parseScope('session:write'), { kind: 'noun', noun: 'session', access: 'write' });
  for (const text of [
    '',
    'write',
    'session',
    'session:',
    ':read',
    'session:admin',
    'session:read:x',
    'Session:read',
    'a b:read',
  ]) {
    assert.equal(parseScope(text), undefined, text);
  }
});

test('scopeAllows() never gives write for a read scope, nor another noun (property)', () => {
  const noun = fc.constantFrom('user', 'log', 'session', 'policy');
  fc.assert(
    fc.property(noun, noun, (mine, other) => {
      assert.equal(scopeAllows([`${mine}:read`], { noun: other, access: 'write' }), false);
      assert.equal(scopeAllows(['read'], { noun: other, access: 'write' }), false);
      assert.equal(scopeAllows([`${mine}:write`], { noun: other, access: 'read' }), mine === other);
      assert.equal(scopeAllows(['admin'], { noun: other, access: 'write' }), true);
    }),
  );
  assert.equal(scopeAllows(['garbage', 'admin '], { noun: 'user', access: 'read' }), false);
});
