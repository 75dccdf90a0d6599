import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { User } from '#foundation/model';
import { fakeFactView } from '../../../tests/fakes/fact-view.ts';
import { publishedPolicies } from '../../../tests/published-policies.ts';
import { judge, reachOf } from './index.ts';

const schema = readFileSync(join(import.meta.dirname, '../../../policies/schema.cedarschema'), 'utf8');
const text = `
@id("staff-read") @description("Staff read.")
permit (principal in Group::"staff", action == Action::"read", resource);
@id("fresh-write") @description("A fresh passkey writes.")
permit (principal in Group::"staff", action == Action::"write", resource)
when { context.session.credential == "passkey" && context.session.authAgeSeconds < 60 };
@id("suspended") @description("Suspended people do nothing.")
forbid (principal is User, action, resource) when { principal.status == "suspended" };
`;
const policies = publishedPolicies({
  sequence: 3,
  schema,
  policies: [{ file: 'a.cedar', text }],
});
const now = 1_800_000_000_000;
const view = fakeFactView({
  group: { everyone: {}, staff: {} },
  user: {
    ada: { name: 'ada', groups: ['staff'] },
    ben: { name: 'ben', groups: ['staff'] },
    fay: { name: 'fay', groups: ['staff'], source: 'corp' },
    sue: { name: 'sue', groups: ['staff'], status: 'suspended' },
    tom: { name: 'tom' },
  },
  session: {
    old: { user: 'ada', createdAt: now - 9_000_000, authTime: now - 9_000_000 },
    newer: { user: 'ada', createdAt: now - 7_200_000, authTime: now - 7_200_000 },
    ended: { user: 'ben', createdAt: now - 5_000, authTime: now - 5_000, status: 'revoked' },
  },
  resource: { wiki: {} },
});
const request = { method: 'GET', host: 'x', path: '/', route: 'default', address: '10.0.0.1', tls: true, noun: '' };
const questions = (['read', 'write', 'delete'] as const).map((action) => ({
  action,
  resource: { type: 'App', id: 'wiki' },
  request,
}));
const reach = (id: string | null) => {
  const user = id === null ? null : { id, body: view.get('user', id) as User };
  const { basis, answers } = reachOf({ view, policies, now, user, questions });
  return {
    basis,
    answers: answers.map(({ verdict }) => verdict.answer),
    by: answers.map(({ verdict }) => verdict.reasons),
  };
};

test('reachOf() answers what the gateway would answer the person, from their newest session', () => {
  assert.deepEqual(reach('ada'), {
    basis: 'session',
    answers: ['allow', 'deny', 'deny'],
    by: [['staff-read'], [], []],
  });
  for (const question of questions) {
    const asked = judge({
      view,
      policies,
      now,
      question: { ...question, asker: { kind: 'session', sessionId: 'newer' } },
    });
    const found = reachOf({
      view,
      policies,
      now,
      user: { id: 'ada', body: view.get('user', 'ada') as User },
      questions: [question],
    });
    assert.deepEqual(found.answers[0]?.verdict, asked);
  }
});

test('reachOf() takes somebody without a session as just signed in, in the way they sign in', () => {
  assert.deepEqual(reach('ben'), {
    basis: 'sign-in',
    answers: ['allow', 'allow', 'deny'],
    by: [['staff-read'], ['fresh-write'], []],
  });
  assert.deepEqual(reach('fay').answers, ['allow', 'deny', 'deny'], 'a provider vouches for no passkey');
  assert.deepEqual(reach('tom').answers, ['deny', 'deny', 'deny']);
});

test('reachOf() lets suspended people and strangers reach no more than policy says', () => {
  assert.deepEqual(reach('sue'), {
    basis: 'sign-in',
    answers: ['deny', 'deny', 'deny'],
    by: [['suspended'], ['suspended'], ['suspended']],
  });
  assert.deepEqual(reach(null), { basis: 'stranger', answers: ['deny', 'deny', 'deny'], by: [[], [], []] });
});

test('reachOf() allows nothing when no policies are in force', () => {
  const user = { id: 'ada', body: view.get('user', 'ada') as User };
  const { answers } = reachOf({ view, policies: null, now, user, questions });
  assert.deepEqual(new Set(answers.map(({ verdict }) => verdict.answer)), new Set(['indeterminate']));
});
