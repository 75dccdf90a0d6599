import assert from 'node:assert/strict';
import { test } from 'node:test';
import { localGatewayName } from '#shell/wire';
import { fakeFactView } from '../../../../tests/fakes/fact-view.ts';
import { ApiProblem } from '../api/problem.ts';
import type { IdentityCalls } from '../identity/index.ts';
import { forAppsOnly } from './apps-only.ts';

const facts = fakeFactView({
  resource: { console: { origin: 'builtin' }, wiki: { origin: 'api' } },
  'app-cookie': {
    c1: { session: 's', resource: 'console', hash: 'console-now', previousHash: 'console-before' },
    c2: { session: 's', resource: 'wiki', hash: 'wiki-now', previousHash: null },
  },
});

function bench() {
  const made: string[] = [];
  const calls = new Proxy({} as IdentityCalls, {
    ownKeys: () => ['session/seen'],
    getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }),
    get: (_calls, name) => async () => void made.push(String(name)),
  });
  return { made, handlers: forAppsOnly(calls, facts) };
}

const elsewhere = { name: 'edge' };
const here = { name: localGatewayName };
const isRefused = (error: unknown) => error instanceof ApiProblem && error.details.status === 403;

test('a gateway elsewhere has no cookie of the console rotated, confirmed or ended, by its present or its last value', async () => {
  const { made, handlers } = bench();
  for (const name of ['cookie/rotate', 'cookie/confirm', 'sign-out'] as const) {
    for (const cookieHash of ['console-now', 'console-before']) {
      await assert.rejects(handlers[name]({ cookieHash }, elsewhere), isRefused, `${name} ${cookieHash}`);
      await handlers[name]({ cookieHash }, here);
    }
    await handlers[name]({ cookieHash: 'wiki-now' }, elsewhere);
    await handlers[name]({ cookieHash: 'unknown' }, elsewhere);
  }
  assert.equal(made.length, 12);
});

test('nor is anybody signed in to it there, or shown to it', async () => {
  const { made, handlers } = bench();
  const begin = { resource: 'console', returnTo: '/', fresh: false };
  const finish = { resource: 'console', callbackUrl: '', flow: '', userAgent: '', address: '' };
  const asked = ['wiki', 'console'].map((resource) => ({ sessionId: 's', resource }));
  await assert.rejects(handlers['sign-in/begin'](begin, elsewhere), isRefused);
  await assert.rejects(handlers['sign-in/finish'](finish, elsewhere), isRefused);
  await assert.rejects(handlers.assertions({ asked }, elsewhere), isRefused);
  assert.deepEqual(made, []);
  await handlers['sign-in/begin']({ ...begin, resource: 'wiki' }, elsewhere);
  await handlers.assertions({ asked: asked.slice(0, 1) }, elsewhere);
  await handlers['sign-in/finish'](finish, here);
  assert.deepEqual(made, ['sign-in/begin', 'assertions', 'sign-in/finish']);
});
