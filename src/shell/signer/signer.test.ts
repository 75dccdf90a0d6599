import assert from 'node:assert/strict';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createLocalJWKSet, decodeProtectedHeader, importJWK, jwtVerify } from 'jose';
import { connectSigner, SignerCallError, type SignerClient } from '#shell/signer-client';
import type { PublicUrls, SignerHandoff } from '#shell/wire';
import { formatRootKeys, parseRootKeys, rootKeyFrom } from '#trust/keys';
import { listRootKeys, rotateRootKey, startSigner } from './index.ts';

const urls: PublicUrls = { domain: 'localhost', appsDomain: 'localhost', scheme: 'http', port: 8080 };
const issuer = 'http://id.localhost:8080';

function installation(t: TestContext, change: Partial<SignerHandoff> = {}): SignerHandoff {
  const root = mkdtempSync(join(tmpdir(), 'nullius-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const dataDirectory = join(root, 'data');
  mkdirSync(dataDirectory, { mode: 0o700 });
  const socketPath = join(dataDirectory, 's.sock');
  return {
    type: 'signer',
    dataDirectory,
    rootKeyFile: `${dataDirectory}.root-key`,
    socketPath,
    controlToken: 'right',
    urls,
    ...change,
  };
}

async function start(t: TestContext, handoff = installation(t), clock?: () => number) {
  const signer = await startSigner(handoff, clock);
  const client = connectSigner({ socketPath: handoff.socketPath, token: handoff.controlToken });
  const stop = async () => {
    client.close();
    await signer.close();
  };
  t.after(stop);
  return { client, handoff, signer, stop };
}

const encode = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const seconds = () => Math.floor(Date.now() / 1000);
const refused = (error: unknown) => error instanceof SignerCallError && error.code === 'refused';

test('sign-token signs an ID token that a relying party accepts', async (t) => {
  const { client } = await start(t);
  const keys = await client.call('keys', {});
  const keyId = keys.token[0]?.kid ?? '';
  const claims = { iss: issuer, aud: 'wiki', sub: 'u1', iat: seconds(), exp: seconds() + 600 };
  const signingInput = `${encode({ alg: 'ES256', kid: keyId, typ: 'JWT' })}.${encode(claims)}`;
  const { signature } = await client.call('sign-token', { signingInput, keyId });
  const jwks = createLocalJWKSet({ keys: [...keys.token] });
  const { payload } = await jwtVerify(`${signingInput}.${signature}`, jwks, { issuer, audience: 'wiki' });
  assert.equal(payload.sub, 'u1');
});

test('sign-token refuses what is not a token of our provider', async (t) => {
  const { client } = await start(t);
  const keyId = (await client.call('keys', {})).token[0]?.kid ?? '';
  const header = { alg: 'ES256', kid: keyId };
  const claims = { iss: issuer, aud: 'wiki', sub: 'u1', iat: seconds(), exp: seconds() + 600 };
  const good = `${encode(header)}.${encode(claims)}`;
  const bad: Record<string, string> = {
    'another issuer': `${encode(header)}.${encode({ ...claims, iss: 'https://evil.test' })}`,
    'no audience': `${encode(header)}.${encode({ ...claims, aud: undefined })}`,
    'a long life': `${encode(header)}.${encode({ ...claims, exp: seconds() + 3_700 })}`,
    'an end before its begin': `${encode(header)}.${encode({ ...claims, exp: seconds() - 10 })}`,
    'a begin in the future': `${encode(header)}.${encode({ ...claims, iat: seconds() + 300, exp: seconds() + 900 })}`,
    'a begin in the past': `${encode(header)}.${encode({ ...claims, iat: seconds() - 300 })}`,
    'alg none': `${encode({ ...header, alg: 'none' })}.${encode(claims)}`,
    'another key in the header': `${encode({ ...header, kid: 'x' })}.${encode(claims)}`,
    'the type of an assertion': `${encode({ ...header, typ: 'nullius-assertion+jwt' })}.${encode(claims)}`,
    'the type of a statement': `${encode({ ...header, typ: 'nullius-snapshot+jws' })}.${encode(claims)}`,
    'a critical header': `${encode({ ...header, crit: ['b64'], b64: false })}.${encode(claims)}`,
    'a repeated issuer': `${encode(header)}.${encode(`{"iss":"https://evil.test",${JSON.stringify(claims).slice(1)}`)}`,
    'text that is not JSON': `${encode(header)}.${encode('hello')}`,
    'a JSON array': `${encode(header)}.${encode('[]')}`,
    padding: `${good}=`,
    'white space': `${good.slice(0, 20)}\n${good.slice(20)}`,
    'three parts': `${good}.x`,
    'no dot': encode(header),
  };
  for (const [name, signingInput] of Object.entries(bad))
    await assert.rejects(client.call('sign-token', { signingInput, keyId }), refused, name);
  await assert.rejects(client.call('sign-token', { signingInput: good, keyId: 'unknown' }), refused);
  assert.ok((await client.call('sign-token', { signingInput: good, keyId })).signature);
});

test('sign-assertions signs a minute at most, of our issuer, with its own type, and refuses one without the others', async (t) => {
  const { client } = await start(t);
  // Read once: the second may end between two looks.
  const iat = seconds();
  const claims = { iss: issuer, aud: 'wiki', sub: 'u1', iat, exp: iat + 60, groups: ['a'] };
  const bad = [
    { exp: seconds() + 120 },
    { iss: 'https://evil.test' },
    { role: 'root' },
    { groups: Array(201).fill('g') },
  ];
  const { signed } = await client.call('sign-assertions', {
    claims: [...bad.map((change) => ({ ...claims, ...change })), claims],
  });
  assert.deepEqual(
    signed.map((each) => 'refused' in each),
    [true, true, true, true, false],
  );
  const last = signed.at(-1);
  const jwt = last !== undefined && 'jwt' in last ? last.jwt : '';
  const jwks = createLocalJWKSet({ keys: [...(await client.call('keys', {})).token] });
  const { protectedHeader } = await jwtVerify(jwt, jwks, { issuer, audience: 'wiki' });
  assert.equal(protectedHeader.typ, 'nullius-assertion+jwt');
  await assert.rejects(client.call('sign-assertions', { claims: Array(33).fill(claims) }), refused);
});

test('sign-statement signs each statement under its own type and refuses fields it does not know', async (t) => {
  const { client } = await start(t);
  const digest = 'a'.repeat(43);
  const statement = { epoch: 1, revision: 2, factCount: 3, digest };
  const { jws } = await client.call('sign-statement', { purpose: 'snapshot', statement });
  const jwk = (await client.call('keys', {})).statement[0];
  assert.ok(jwk);
  const { protectedHeader } = await jwtVerify(jws, await importJWK(jwk), { typ: 'nullius-snapshot+jws' });
  assert.equal(protectedHeader.alg, 'Ed25519');
  for (const bad of [
    { ...statement, more: 1 },
    { epoch: 1 },
    { ...statement, digest: 'short' },
    { ...statement, revision: -1 },
  ])
    await assert.rejects(client.call('sign-statement', { purpose: 'snapshot', statement: bad }), refused);
  await assert.rejects(client.call('sign-statement', { purpose: 'checkpoint', statement }), refused);
});

test('data keys unwrap under their purpose, and the private keys of the signer never do', async (t) => {
  const { client, handoff } = await start(t);
  const { key, wrapped } = await client.call('data-key/create', { purpose: 'store' });
  assert.equal(Buffer.from(key, 'base64url').length, 32);
  assert.equal((await client.call('data-key/unwrap', { purpose: 'store', wrapped })).key, key);
  await assert.rejects(client.call('data-key/unwrap', { purpose: 'journal', wrapped }), refused);
  const file = JSON.parse(readFileSync(join(handoff.dataDirectory, 'signer/keys.json'), 'utf8')) as {
    keys: { purpose: string; keyId: string; wrapped: string }[];
  };
  assert.equal(file.keys.length, 4);
  for (const own of file.keys)
    await assert.rejects(
      client.call('data-key/unwrap', { purpose: `${own.purpose} ${own.keyId}`, wrapped: own.wrapped }),
      refused,
    );
});

test('keys are the same after a restart, and lie on disk only wrapped and 0600', async (t) => {
  const first = await start(t);
  const keys = await first.client.call('keys', {});
  await first.stop();
  const second = await start(t, first.handoff);
  assert.deepEqual(await second.client.call('keys', {}), keys);
  for (const path of [
    first.handoff.rootKeyFile,
    join(first.handoff.dataDirectory, 'signer/keys.json'),
    first.handoff.socketPath,
  ])
    assert.equal(lstatSync(path).mode & 0o777, 0o600, path);
});

const hourMs = 3_600_000;
const rotation = { leadMs: 600_000, overlapMs: 24 * hourMs, leaked: false };

/** An ID token by a key; the signature, or undefined when the signer does not sign with it. */
async function signBy(client: SignerClient, { keyId, now }: { keyId: string | undefined; now: number }) {
  const iat = Math.floor(now / 1000);
  const header = { alg: 'ES256', kid: keyId, typ: 'JWT' };
  const signingInput = `${encode(header)}.${encode({ iss: issuer, aud: 'wiki', sub: 'ada', iat, exp: iat + 60 })}`;
  return client.call('sign-token', { signingInput, keyId: keyId ?? '' }).then(
    ({ signature }) => `${signingInput}.${signature}`,
    () => undefined,
  );
}

test('a rotated token key is shown before it signs, and the old one verifies until its tokens are dead', async (t) => {
  let now = Date.now();
  const { client } = await start(t, installation(t), () => now);
  const kids = async () => (await client.call('keys', {})).token.map((jwk) => jwk.kid);
  const assertionKid = async () => {
    const iat = Math.floor(now / 1000);
    const claims = [{ iss: issuer, aud: 'a', sub: 'b', iat, exp: iat + 60 }];
    const [made] = (await client.call('sign-assertions', { claims })).signed;
    return made !== undefined && 'jwt' in made ? decodeProtectedHeader(made.jwt).kid : undefined;
  };
  const [old] = await kids();
  const [first, announced, ...rest] = (await client.call('rotate-token-key', rotation)).token;
  assert.deepEqual([first?.kid, rest], [old, []]);
  assert.equal(await assertionKid(), old, 'the new one is not known to everybody yet');
  assert.equal(await signBy(client, { keyId: announced?.kid, now }), undefined);
  await assert.rejects(client.call('rotate-token-key', rotation), refused, 'one at a time');

  now += rotation.leadMs;
  assert.deepEqual(await kids(), [announced?.kid, old]);
  assert.equal(await assertionKid(), announced?.kid);
  const before = await signBy(client, { keyId: old, now });
  assert.ok(before !== undefined, 'control may not have heard yet');
  now += 130_000;
  assert.equal(await signBy(client, { keyId: old, now }), undefined, 'the old one signs no more');
  const verify = async () => {
    const jwks = createLocalJWKSet({ keys: [...(await client.call('keys', {})).token] });
    return jwtVerify(before, jwks, { currentDate: new Date(now - 130_000) });
  };
  assert.equal((await verify()).payload.sub, 'ada');
  const states = (await client.call('keys', {})).held.filter(({ purpose }) => purpose === 'token');
  assert.deepEqual(
    states.map(({ keyId, state }) => [keyId, state]),
    [
      [old, 'retiring'],
      [announced?.kid, 'signing'],
    ],
  );
  now += rotation.overlapMs;
  assert.deepEqual(await kids(), [announced?.kid]);
  await assert.rejects(verify(), { code: 'ERR_JWKS_NO_MATCHING_KEY' });
});

test('a token key that leaked is gone at once, with whatever it signed and whatever was announced', async (t) => {
  const { client, handoff, stop } = await start(t);
  const [old] = (await client.call('keys', {})).token;
  await client.call('rotate-token-key', rotation);
  const { token } = await client.call('rotate-token-key', { ...rotation, leaked: true });
  assert.equal(token.length, 1);
  assert.notEqual(token[0]?.kid, old?.kid);
  assert.equal(await signBy(client, { keyId: old?.kid, now: Date.now() }), undefined);
  assert.ok(await signBy(client, { keyId: token[0]?.kid, now: Date.now() }));
  await stop();
  const again = await start(t, handoff);
  assert.deepEqual((await again.client.call('keys', {})).token, token, 'nor does it come back');
});

test('rotate-token-key refuses an overlap shorter than tokens live', async (t) => {
  const { client } = await start(t);
  for (const overlapMs of [0, 60_000, hourMs - 1, 365 * 24 * hourMs])
    await assert.rejects(client.call('rotate-token-key', { ...rotation, overlapMs }), refused);
});

test('after a root key rotation the signer rewraps its keys and still opens data keys', async (t) => {
  const first = await start(t);
  const keys = await first.client.call('keys', {});
  const { key, wrapped } = await first.client.call('data-key/create', { purpose: 'store' });
  await first.stop();
  const { rootKeyFile, dataDirectory } = first.handoff;
  const [oldId = '?'] = listRootKeys(rootKeyFile);
  const addedId = await rotateRootKey(rootKeyFile);
  assert.deepEqual(listRootKeys(rootKeyFile), [oldId, addedId]);
  assert.equal(lstatSync(rootKeyFile).mode & 0o777, 0o600);
  const second = await start(t, first.handoff);
  assert.deepEqual(await second.client.call('keys', {}), keys);
  const again = await second.client.call('data-key/rewrap', { purpose: 'store', wrapped });
  assert.equal(again.wrapped.split('.')[1], addedId);
  await second.stop();
  assert.ok(!readFileSync(join(dataDirectory, 'signer/keys.json'), 'utf8').includes(oldId));
  writeFileSync(rootKeyFile, formatRootKeys(parseRootKeys(readFileSync(rootKeyFile, 'utf8')).slice(1)));
  const third = await start(t, first.handoff);
  assert.equal((await third.client.call('data-key/unwrap', { purpose: 'store', wrapped: again.wrapped })).key, key);
});

test('the signer does not start on a root key file that is loose, linked, missing, damaged or in the data folder', async (t) => {
  const { handoff, stop } = await start(t);
  await stop();
  const { rootKeyFile } = handoff;
  chmodSync(rootKeyFile, 0o640);
  await assert.rejects(startSigner(handoff), /is open to other users \(mode 0640\); run: chmod 600/);
  chmodSync(rootKeyFile, 0o600);
  renameSync(rootKeyFile, `${rootKeyFile}.real`);
  await assert.rejects(startSigner(handoff), /is missing; restore it from a backup/);
  symlinkSync(`${rootKeyFile}.real`, rootKeyFile);
  await assert.rejects(startSigner(handoff), /is a symlink/);
  rmSync(rootKeyFile);
  mkdirSync(rootKeyFile);
  await assert.rejects(startSigner(handoff), /is not a plain file/);
  rmSync(rootKeyFile, { recursive: true });
  writeFileSync(rootKeyFile, 'nonsense\n', { mode: 0o600 });
  await assert.rejects(startSigner(handoff), /is not a root key/);
  await assert.rejects(
    startSigner({ ...handoff, rootKeyFile: join(handoff.dataDirectory, 'k') }),
    /lies inside the data folder/,
  );
});

test('a root key file of another user is refused', {
  skip: process.geteuid?.() !== 0 && 'needs root to chown',
}, async (t) => {
  const { chownSync } = await import('node:fs');
  const { handoff, stop } = await start(t);
  await stop();
  chownSync(handoff.rootKeyFile, 12345, 12345);
  await assert.rejects(startSigner(handoff), /belongs to another user \(uid 12345\)/);
});

test('another root key than the one that wrapped opens nothing', async (t) => {
  const { handoff, stop } = await start(t);
  await stop();
  writeFileSync(handoff.rootKeyFile, formatRootKeys([rootKeyFrom(new Uint8Array(32).fill(9))]));
  await assert.rejects(startSigner(handoff), /is not in the root key file/);
});

test('whoever lacks the token is told nothing, and bodies over the limit are cut off', async (t) => {
  const { handoff } = await start(t);
  for (const token of ['', 'wrong', 'rightt', 'righ']) {
    const client = connectSigner({ socketPath: handoff.socketPath, token });
    await assert.rejects(client.call('keys', {}), /who are you/);
    client.close();
  }
  assert.equal(await statusOf(handoff, { path: '/keys', body: 'x'.repeat(5_000_000) }), 413);
  assert.equal(await statusOf(handoff, { path: '/keys', body: '{"surplus":1}' }), 400);
  assert.equal(await statusOf(handoff, { path: '/keys', body: 'not json' }), 400);
  assert.equal(await statusOf(handoff, { path: '/constructor', body: '{}' }), 404);
  assert.equal(await statusOf(handoff, { path: '/keys', body: '{}' }), 200);
});

function statusOf(handoff: SignerHandoff, { path, body }: { path: string; body: string }): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const outgoing = request({
      socketPath: handoff.socketPath,
      path,
      method: 'POST',
      headers: { authorization: `Bearer ${handoff.controlToken}` },
    });
    outgoing.on('response', (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
