import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AppCookie, FactView, Session, Token } from '#foundation/model';
import { FactTable } from '#information/inventory';
import { fakeFact } from '../../../tests/fakes/fact-view.ts';
import { Bearers } from './bearer.ts';
import { cookieValue, identifyAsker } from './identify-asker.ts';

const now = 1_800_000_000_000;
const session = fakeFact('session', {
  user: 'u1',
  authTime: now - 1000,
  createdAt: now - 1000,
  expiresAt: now + 3_600_000,
});
const cookie: AppCookie = {
  session: 's1',
  resource: 'wiki',
  hash: hash('sha256', 'current', 'base64url'),
  previousHash: hash('sha256', 'previous', 'base64url'),
  previousUntil: now + 60_000,
  rotatedAt: now - 1000,
};
const token: Token = {
  label: 'ci',
  owner: { type: 'User', id: 'u1' },
  hash: hash('sha256', 'nls_secret', 'base64url'),
  scopes: ['app:wiki'],
  createdAt: now - 1000,
  expiresAt: now + 1000,
  status: 'active',
};

function factsWith(
  changed: { session?: Partial<Session>; cookie?: Partial<AppCookie>; token?: Partial<Token> } = {},
): FactView {
  const table = new FactTable({ clock: () => now });
  table.replace({
    epoch: 1,
    revision: 1,
    rows: [
      { kind: 'session', id: 's1', revision: 1, body: { ...session, ...changed.session } },
      { kind: 'app-cookie', id: 'c1', revision: 1, body: { ...cookie, ...changed.cookie } },
      { kind: 'token', id: 't1', revision: 1, body: { ...token, ...changed.token } },
    ],
  });
  return table;
}

const withCookie = (value: string) => ({
  cookie: `__Host-nullius_app=${value}`,
  authorization: undefined,
  nulliusToken: undefined,
});
const asker = (facts: FactView, credentials: Parameters<typeof identifyAsker>[0], resource = 'wiki') =>
  identifyAsker(credentials, { bearers: new Bearers(facts), resource, now }).asker;

test('identifyAsker() knows the session behind a current cookie and one in its rotation grace', () => {
  assert.deepEqual(asker(factsWith(), withCookie('current')), { kind: 'session', sessionId: 's1' });
  assert.deepEqual(asker(factsWith(), withCookie('previous')), { kind: 'session', sessionId: 's1' });
});

test('identifyAsker() leaves a cookie past its grace anonymous', () => {
  assert.deepEqual(asker(factsWith({ cookie: { previousUntil: now } }), withCookie('previous')), { kind: 'anonymous' });
});

test('identifyAsker() does not accept the cookie of another app host', () => {
  assert.deepEqual(asker(factsWith(), withCookie('current'), 'payroll'), { kind: 'anonymous' });
});

test('identifyAsker() leaves ended and expired sessions anonymous', () => {
  assert.deepEqual(asker(factsWith({ session: { status: 'revoked' } }), withCookie('current')), { kind: 'anonymous' });
  assert.deepEqual(asker(factsWith({ session: { expiresAt: now } }), withCookie('current')), { kind: 'anonymous' });
});

test('identifyAsker() takes a token as Bearer, as Basic password and in its own header', () => {
  const basic = `Basic ${Buffer.from('git:nls_secret').toString('base64')}`;
  const found = { kind: 'token', tokenId: 't1' };
  assert.deepEqual(
    asker(factsWith(), { cookie: undefined, authorization: 'Bearer nls_secret', nulliusToken: undefined }),
    found,
  );
  assert.deepEqual(asker(factsWith(), { cookie: undefined, authorization: basic, nulliusToken: undefined }), found);
  assert.deepEqual(
    asker(factsWith(), { cookie: undefined, authorization: undefined, nulliusToken: 'nls_secret' }),
    found,
  );
});

test('identifyAsker() knows no revoked, expired or foreign token', () => {
  const bearer = { cookie: undefined, authorization: 'Bearer nls_secret', nulliusToken: undefined };
  assert.deepEqual(asker(factsWith({ token: { status: 'revoked' } }), bearer), { kind: 'anonymous' });
  assert.deepEqual(asker(factsWith({ token: { expiresAt: now } }), bearer), { kind: 'anonymous' });
  assert.deepEqual(asker(factsWith(), { ...bearer, authorization: 'Bearer somebody-elses' }), { kind: 'anonymous' });
});

test('identifyAsker() keeps Authorization for the app when the token in it is not ours', () => {
  const foreign = { cookie: undefined, authorization: 'Bearer somebody-elses', nulliusToken: undefined };
  assert.equal(
    identifyAsker(foreign, { bearers: new Bearers(factsWith()), resource: 'wiki', now }).tokenInAuthorization,
    false,
  );
});

test('cookieValue() trusts no cookie that was sent twice', () => {
  assert.equal(cookieValue('a=1; __Host-nullius_app=x; __Host-nullius_app=y', '__Host-nullius_app'), undefined);
  assert.equal(cookieValue('a=1; __Host-nullius_app=x', '__Host-nullius_app'), 'x');
  assert.equal(cookieValue('__host-nullius_app=x', '__Host-nullius_app'), undefined);
});

test('cookieValue() takes no name for ours that is another to the browser', () => {
  // What browsers regard as part of the name, so that `Domain` is allowed with it, and what text functions call blank.
  for (const blank of ['\u00a0', '\u0085', '\ufeff', '\u2000', '\v', '\f', '"', '$', ',', '=']) {
    for (const pair of [`${blank}__Host-nullius_app=x`, `__Host-nullius_app${blank}=x`]) {
      const value = cookieValue(`a=1; ${pair}`, '__Host-nullius_app');
      assert.ok(value === undefined || blank === '=', JSON.stringify(pair));
    }
  }
  assert.equal(cookieValue('a=1;\t__Host-nullius_app = x ', '__Host-nullius_app'), 'x');
});

test('cookieValue() reads any header as splitting it at every semicolon does', () => {
  const bySplitting = (header: string, name: string) => {
    const blanks = /^[ \t]+|[ \t]+$/g;
    const found = header
      .split(';')
      .filter((pair) => pair.includes('='))
      .map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)] as const)
      .filter(([key]) => key.replace(blanks, '') === name)
      .map(([, value]) => value.replace(blanks, ''));
    return found.length === 1 && found[0] !== '' ? found[0] : undefined;
  };
  const piece = fc.constantFrom('n', 'n=', '=', ';', '; ', ' ', '\t', '\u00a0', 'v', 'n=v', 'N', '"', ';;', '=n');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const header = pieces.join('');
      assert.equal(cookieValue(header, 'n'), bySplitting(header, 'n'), JSON.stringify(header));
    }),
    { numRuns: 5_000 },
  );
});
