import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { exportJWK, generateKeyPair } from 'jose';
import { publicationStatement } from '#decision/administration';
import { compilePolicies, preparePolicies } from '#decision/parser';
import type { PolicyState, Publication } from '#foundation/model';
import { isPublicationSigned, verifyPublication, verifyStatementJws } from './index.ts';
import { makeSigner, type TestSigner } from './replica-bench.ts';

const schema = 'entity User; action read appliesTo { principal: [User], resource: [User], context: {} };';
const permit = [{ file: 'a.cedar', text: '@id("p") permit(principal, action, resource);' }];
const forbid = [{ file: 'a.cedar', text: '@id("p") forbid(principal, action, resource);' }];
const typ = 'nullius-publication+jws';
const uid = { type: 'User', id: 'ada' };
const request = { principal: uid, action: { type: 'Action', id: 'read' }, resource: uid, context: {}, entities: [] };

type Policies = typeof permit;
const formOf = (policies: Policies) => preparePolicies({ policies, schema }).parsedForm ?? '';
const describedBy = (policies: Policies) => compilePolicies({ policies, schema });
const unsigned = (policies: Policies) => ({
  sequence: 7,
  schema,
  policies,
  author: 'User::"ada"',
  message: 'm',
  publishedAt: 1,
  parsed: formOf(policies),
  states: [],
  tests: [],
  invariants: [],
  git: null,
  override: null,
});

const inState = (state: PolicyState) => ({ ...unsigned(permit), states: [{ id: 'p', ...state }] });

async function published(
  signer: TestSigner,
  { policies = permit, header = {}, statement = {} }: { policies?: Policies; header?: object; statement?: object } = {},
): Promise<Publication> {
  const body = unsigned(policies);
  const stated = { ...publicationStatement(body, describedBy(policies)), ...statement };
  return { ...body, manifest: await signer.sign(stated, { typ, ...header }) };
}

describe('verifyPublication()', () => {
  let signer: TestSigner;
  let stranger: TestSigner;
  before(async () => {
    signer = await makeSigner();
    stranger = await makeSigner();
  });
  const verify = (publication: Publication) => verifyPublication(publication, [signer.jwk]);

  test('gives what was signed, compiled', async () => {
    const { compiled, sequence } = verify(await published(signer));
    assert.equal(sequence, 7);
    assert.deepEqual(compiled.decide(request), { decision: 'allow', reasons: ['p'], errors: [] });
  });

  test('gives a policy in the state that was signed', async () => {
    const body = inState({ state: 'shadow' });
    const manifest = await signer.sign(publicationStatement(body, describedBy(permit)), { typ });
    const { compiled, beside } = verify({ ...body, manifest });
    assert.equal(compiled.decide(request).decision, 'deny');
    assert.deepEqual([...(beside?.states.keys() ?? [])], ['p']);
  });

  const attacks: Record<string, () => Promise<Publication>> = {
    'a parsed form of other policies under the old manifest': async () => ({
      ...(await published(signer, { policies: forbid })),
      parsed: formOf(permit),
    }),
    'other texts beside the parsed form that was signed': async () => ({
      ...(await published(signer)),
      policies: forbid,
    }),
    'another schema': async () => ({ ...(await published(signer)), schema: `${schema} ` }),
    'no parsed form where one was signed': async () => ({ ...(await published(signer)), parsed: null }),
    'a parsed form that was never signed, under a manifest of an earlier version': async () => {
      const { parsedHash: _, ...older } = publicationStatement(unsigned(permit), describedBy(permit));
      return { ...unsigned(permit), manifest: await signer.sign(older, { typ }) };
    },
    'an older sequence': async () => ({ ...(await published(signer)), sequence: 6 }),
    'another author': async () => ({ ...(await published(signer)), author: 'User::"eve"' }),
    'a stranger’s signature': () => published(stranger),
    'a signature of another type': () => published(signer, { header: { typ: 'nullius-checkpoint+jws' } }),
    'a member more': () => published(signer, { statement: { extra: 1 } }),
    'a policy out of force that was signed as enforced': async () => ({
      ...(await published(signer)),
      states: [{ id: 'p', state: 'shadow' as const }],
    }),
    'an enforced policy that was signed as in shadow': () =>
      published(signer, {
        statement: { policies: publicationStatement(inState({ state: 'shadow' }), describedBy(permit)).policies },
      }),
    'another stage than was signed': async () => ({
      ...inState({ state: 'staged', stage: { percent: 99 } }),
      manifest: await signer.sign(
        publicationStatement(inState({ state: 'staged', stage: { percent: 1 } }), describedBy(permit)),
        { typ },
      ),
    }),
    'a state nobody knows, though it was signed': async () => ({
      ...unsigned(permit),
      states: [{ id: 'p', state: 'draft' }] as never,
      manifest: await signer.sign(
        publicationStatement(
          { ...unsigned(permit), states: [{ id: 'p', state: 'draft' }] as never },
          describedBy(permit),
        ),
        { typ },
      ),
    }),
    'other tests than were signed': async () => ({
      ...(await published(signer)),
      tests: [{ file: 'a.test.yaml', text: '' }],
    }),
    'a text hash of another policy': () =>
      published(signer, {
        statement: { policies: publicationStatement(unsigned(forbid), describedBy(forbid)).policies },
      }),
  };
  for (const [name, attack] of Object.entries(attacks)) {
    test(`refuses ${name}`, async () => {
      const publication = await attack();
      assert.throws(() => verify(publication));
    });
  }

  test('isPublicationSigned() knows the manifests of an earlier version, and that others do not fit them', async () => {
    const older = { ...unsigned(permit), parsed: null };
    const manifest = await signer.sign(publicationStatement(older, describedBy(permit)), { typ });
    const keys = [signer.jwk];
    assert.ok(isPublicationSigned({ ...older, manifest }, { keys, described: describedBy(permit) }));
    assert.ok(!isPublicationSigned({ ...older, manifest }, { keys, described: describedBy(forbid) }));
    assert.ok(!isPublicationSigned({ ...older, manifest }, { keys: [stranger.jwk], described: describedBy(permit) }));
  });
});

describe('verifyStatementJws()', () => {
  test('takes Ed25519 and ES256 of a key that is for it, and no header but the agreed one', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
    const es256 = { ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256' };
    const { CompactSign } = await import('jose');
    const sign = (header: object) =>
      new CompactSign(Buffer.from('{"a":1}'))
        .setProtectedHeader({ alg: 'ES256', kid: 'k', typ, ...header })
        .sign(privateKey);
    const verify = (jws: string, key: object = es256) => verifyStatementJws(jws, { keys: [key as never], type: typ });
    const good = await sign({});
    assert.deepEqual(verify(good), { a: 1 });
    const [head = '', payload = '', signature = ''] = good.split('.');
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const refused: Record<string, () => unknown> = {
      'a critical extension': async () => verify(await sign({ crit: ['b64'], b64: true })),
      'a key beside the signature': async () => verify(await sign({ jwk: es256 })),
      'a key for another algorithm': () => verify(good, { ...es256, alg: 'Ed25519' }),
      'a key of another curve': () => verify(good, { ...es256, crv: 'P-384' }),
      'a symmetric key': () => verify(good, { kty: 'oct', k: 'AAAA', kid: 'k', alg: 'ES256' }),
      'a key without its point': () => verify(good, { kty: 'EC', crv: 'P-256', kid: 'k', alg: 'ES256' }),
      'no algorithm': () => verify(`${encode({ alg: 'none', kid: 'k', typ })}.${payload}.`),
      'a name of JavaScript’s own for an algorithm': () =>
        verify(`${encode({ alg: 'constructor', kid: 'k', typ })}.${payload}.${signature}`, {
          ...es256,
          alg: 'constructor',
        }),
      'a signature in DER': () =>
        verify(
          `${head}.${payload}.${Buffer.concat([Buffer.from([48, 68, 2, 32]), Buffer.from(signature, 'base64url')]).toString('base64url')}`,
        ),
      'a fourth part': () => verify(`${good}.AAAA`),
      padding: () => verify(`${good}==`),
      'white space': () => verify(`${good}\n`),
    };
    for (const [name, attempt] of Object.entries(refused)) {
      await assert.rejects(async () => attempt(), { code: 'not-authentic' }, name);
    }
  });
});
