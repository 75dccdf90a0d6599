import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, test } from 'node:test';
import type { Asker, Question } from '#foundation/model';
import { fakeFactView } from '../../../tests/fakes/fact-view.ts';
import { publishedPolicies } from '../../../tests/published-policies.ts';
import { judge } from './index.ts';

const shipped = join(import.meta.dirname, '../../../policies');
const schema = readFileSync(join(shipped, 'schema.cedarschema'), 'utf8');
const shippedPolicies = globSync(join(shipped, '*.cedar'))
  .sort()
  .map((file) => ({ file: basename(file), text: readFileSync(file, 'utf8') }));
const published = publishedPolicies({ sequence: 7, schema, policies: shippedPolicies });
const only = (text: string) => publishedPolicies({ sequence: 8, schema, policies: [{ file: 'a.cedar', text }] });

const now = 1_800_000_000_000;
const facts = () =>
  fakeFactView({
    group: { everyone: {}, administrators: {}, staff: { memberOf: ['everyone'] } },
    user: {
      ada: { name: 'ada', groups: ['administrators'] },
      ben: { name: 'ben', groups: ['staff'] },
      sue: { name: 'sue', status: 'suspended' },
    },
    session: {
      'of-ada': { user: 'ada', authTime: now - 1000 },
      'of-ben': { user: 'ben', authTime: now - 7_200_000 },
      'of-sue': { user: 'sue', authTime: now },
      ended: { user: 'ada', authTime: now, status: 'revoked' },
      over: { user: 'ada', authTime: now, expiresAt: now },
      recovery: { user: 'ada', authTime: now, credential: 'recovery', phishingResistant: false },
      orphan: { user: 'gone', authTime: now },
    },
    segment: { internal: { sensitivity: 'low' }, secret: { sensitivity: 'high' }, vault: { within: 'secret' } },
    resource: { id: {}, console: {}, demo: {}, wiki: { segment: 'internal' }, safe: { segment: 'vault' } },
    token: {
      admin: { owner: { type: 'User', id: 'ada' }, scopes: ['admin'] },
      reader: { owner: { type: 'User', id: 'ada' }, scopes: ['app:wiki:read', 'user:read'] },
      stolen: { owner: { type: 'User', id: 'ada' }, scopes: ['app:wiki'], status: 'revoked' },
    },
  });

const as = (sessionId: string): Asker => ({ kind: 'session', sessionId });
const anonymous: Asker = { kind: 'anonymous' };

function ask(asker: Asker, changes: { app?: string; action?: Question['action']; request?: object } = {}): Question {
  const request = { method: 'GET', host: 'x', path: '/', route: 'default', address: '10.0.0.1', tls: true, noun: '' };
  const resource = { type: 'App', id: changes.app ?? 'wiki' };
  return { asker, action: changes.action ?? 'read', resource, request: { ...request, ...changes.request } };
}

function administer(asker: Asker, noun: string, action: Question['action'] = 'administer-read'): Question {
  return { ...ask(asker, { action, request: { noun } }), resource: { type: 'Service', id: 'control' } };
}

const answer = (question: Question, view = facts()) => judge({ view, policies: published, question, now }).answer;

describe('the shipped policies', () => {
  test('let everyone reach sign-in and the demo page that is public, and nothing else', () => {
    assert.equal(answer(ask(anonymous, { app: 'id' })), 'allow');
    assert.equal(answer(ask(anonymous, { app: 'demo', request: { route: 'public' } })), 'allow');
    assert.equal(answer(ask(anonymous, { app: 'demo', action: 'write', request: { route: 'public' } })), 'deny');
    for (const app of ['demo', 'console', 'wiki', 'safe']) assert.equal(answer(ask(anonymous, { app })), 'deny', app);
    assert.equal(answer(administer(anonymous, 'me')), 'deny');
  });

  test('let everyone signed in open the demo and the console, not the page or data for administrators', () => {
    const ben = as('of-ben');
    assert.equal(answer(ask(ben, { app: 'demo' })), 'allow');
    assert.equal(answer(ask(ben, { app: 'demo', request: { route: 'administrators' } })), 'deny');
    assert.equal(answer(ask(ben, { app: 'console' })), 'allow');
    assert.equal(answer(ask(ben)), 'deny');
    assert.equal(answer(administer(ben, 'me', 'administer-write')), 'allow');
    assert.equal(answer(administer(ben, 'user')), 'deny');
  });

  test('let administrators administer and open apps, except those of high sensitivity', () => {
    assert.equal(answer(ask(as('of-ada'))), 'allow');
    assert.equal(answer(ask(as('of-ada'), { app: 'demo', request: { route: 'administrators' } })), 'allow');
    assert.equal(answer(ask(as('of-ada'), { app: 'safe' })), 'deny');
    assert.equal(answer(administer(as('of-ada'), 'policy', 'administer-write')), 'allow');
    assert.equal(answer(administer({ kind: 'operator' }, 'policy', 'administer-write')), 'allow');
    assert.equal(answer(ask({ kind: 'operator' })), 'deny');
  });

  test('refuse suspended users and recovery sessions in words', () => {
    const verdict = judge({ view: facts(), policies: published, question: ask(as('of-sue'), { app: 'demo' }), now });
    assert.equal(verdict.answer, 'deny');
    assert.deepEqual(verdict.reasons, ['suspended-users']);
    assert.match(verdict.words.join(' '), /suspended.*reactivate/);
    assert.equal(answer(administer(as('recovery'), 'user')), 'deny');
    assert.equal(answer(ask(as('recovery'), { app: 'console' })), 'deny');
    assert.equal(answer(ask(as('recovery'), { app: 'id' })), 'allow');
  });

  test('honour a grant while it is active, and ask for fresh proof where sensitivity is high', () => {
    const view = facts();
    view.put('grant', 'g', { user: 'ben', resource: 'wiki', expiresAt: now + 5000 });
    const verdict = judge({ view, policies: published, question: ask(as('of-ben')), now });
    assert.equal(verdict.answer, 'allow');
    assert.equal(verdict.judgeAgainAt, now + 5000);
    const later = { view, policies: published, question: ask(as('of-ben')), now: now + 5000 };
    assert.equal(judge(later).answer, 'deny');

    view.put('grant', 'h', { user: 'ben', resource: 'safe' });
    assert.equal(answer(ask(as('of-ben'), { app: 'safe' }), view), 'deny');
    view.put('session', 'of-ben', { authTime: now - 1000 });
    assert.equal(answer(ask(as('of-ben'), { app: 'safe' }), view), 'allow');
  });

  test("do not honour a grant that is another's, for another app, or not active", () => {
    const view = facts();
    view.put('grant', 'a', { user: 'ada', resource: 'wiki' });
    view.put('grant', 'b', { user: 'ben', resource: 'safe' });
    for (const state of ['requested', 'denied', 'revoked', 'expired'] as const) {
      view.put('grant', state, { user: 'ben', resource: 'wiki', state });
    }
    view.put('grant', 'endless', { user: 'ben', resource: 'wiki', expiresAt: null });
    assert.equal(answer(ask(as('of-ben')), view), 'deny');
  });
});

describe('who asks', () => {
  const everyUser = only('@id("a") permit(principal is User, action, resource);');
  for (const sessionId of ['ended', 'over', 'orphan', 'never-was', '']) {
    test(`a session that is ${sessionId || 'empty'} makes a stranger, whatever policies forget to check`, () => {
      const verdict = judge({ view: facts(), policies: everyUser, question: ask(as(sessionId)), now });
      assert.equal(verdict.answer, 'deny');
      assert.deepEqual(verdict.read[0], { type: 'Anonymous', id: 'anonymous' });
    });
  }

  test('a token acts as its owner within its scopes only', () => {
    const token = (tokenId: string): Asker => ({ kind: 'token', tokenId });
    assert.equal(answer(ask(token('reader'))), 'allow');
    assert.equal(answer(ask(token('reader'), { action: 'write' })), 'deny');
    assert.equal(answer(ask(token('reader'), { app: 'demo' })), 'deny');
    assert.equal(answer(administer(token('reader'), 'user')), 'allow');
    assert.equal(answer(administer(token('reader'), 'policy')), 'deny');
    assert.equal(answer(administer(token('admin'), 'policy', 'administer-write')), 'allow');
    assert.equal(answer(ask(token('admin'))), 'deny');
    assert.equal(answer(ask(token('stolen'))), 'deny');
  });

  test('a stranger is in no group, not even one that names them', () => {
    const policies = only('@id("a") permit(principal in Group::"everyone", action, resource);');
    const view = facts();
    view.put('user', 'anonymous', { groups: ['administrators'] });
    assert.equal(judge({ view, policies, question: ask(anonymous), now }).answer, 'deny');
  });

  test('a user whose id looks like Cedar is only ever that user', () => {
    const policies = only('@id("a") permit(principal == User::"ada", action, resource);');
    for (const id of ['ada"', '"ada', 'ada\\', 'ada\0', 'Ada', 'ada"::Group::"administrators', 'User::"ada"', ' ada']) {
      const view = facts();
      view.put('user', id, { name: 'ada', groups: [] });
      view.put('session', 's', { user: id, authTime: now });
      assert.equal(judge({ view, policies, question: ask(as('s')), now }).answer, 'deny', id);
    }
  });
});

describe('the door is stricter than the engine', () => {
  test('an allow during which a forbid errored is indeterminate', () => {
    const policies = only(`@id("all") permit(principal, action, resource);
      @id("overflows") forbid(principal, action, resource) when { context.session.authAgeSeconds * 9223372036854775807 > 0 };`);
    const verdict = judge({ view: facts(), policies, question: ask(as('of-ben')), now });
    assert.equal(verdict.answer, 'indeterminate');
    assert.deepEqual(
      verdict.errors.map(({ id }) => id),
      ['overflows'],
    );
  });

  test('a permit that errors does not stop another permit', () => {
    const policies = only(`@id("all") permit(principal, action, resource);
      @id("overflows") permit(principal, action, resource) when { context.session.authAgeSeconds * 9223372036854775807 > 0 };`);
    const verdict = judge({ view: facts(), policies, question: ask(as('of-ben')), now });
    assert.equal(verdict.answer, 'allow');
    assert.equal(verdict.errors.length, 1);
  });

  test('nothing is allowed without a publication, for an unknown resource or an unknown action', () => {
    const everything = only('@id("a") permit(principal, action, resource);');
    const indeterminate = (question: Question, policies: typeof everything | null = everything) =>
      assert.equal(judge({ view: facts(), policies, question, now }).answer, 'indeterminate');
    indeterminate(ask(anonymous), null);
    indeterminate(ask(anonymous, { app: 'nowhere' }));
    indeterminate({ ...ask(anonymous), resource: { type: 'Service', id: 'other' } });
    indeterminate({ ...ask(anonymous), resource: { type: 'Segment', id: 'internal' } });
    indeterminate(ask(anonymous, { action: 'administer-write' }));
    indeterminate(ask(anonymous, { action: 'fly' as 'read' }));
    indeterminate(ask(anonymous, { request: { address: '10.0.0.1; drop' } }));
    indeterminate(ask(anonymous, { request: { path: undefined } }));
  });

  test('a time that cannot be written is indeterminate', () => {
    const policies = only('@id("a") permit(principal, action, resource);');
    for (const time of [Number.NaN, -1, Number.POSITIVE_INFINITY, 1e18]) {
      assert.equal(judge({ view: facts(), policies, question: ask(anonymous), now: time }).answer, 'indeterminate');
    }
  });

  test('a proof from the future is not a fresh one', () => {
    const view = facts();
    view.put('grant', 'g', { user: 'ben', resource: 'safe' });
    view.put('session', 'of-ben', { authTime: now + 60_000 });
    assert.equal(answer(ask(as('of-ben'), { app: 'safe' }), view), 'deny');
  });
});

describe('hierarchies', () => {
  test('membership is transitive', () => {
    const policies = only('@id("a") permit(principal in Group::"top", action, resource in Segment::"outer");');
    const view = facts();
    view.put('group', 'staff', { memberOf: ['middle'] });
    view.put('group', 'middle', { memberOf: ['top'] });
    view.put('segment', 'internal', { within: 'outer' });
    view.put('segment', 'outer', {});
    const verdict = judge({ view, policies, question: ask(as('of-ben')), now });
    assert.equal(verdict.answer, 'allow');
    for (const [type, id] of [
      ['Group', 'top'],
      ['Segment', 'outer'],
      ['Session', 'of-ben'],
      ['User', 'ben'],
      ['App', 'wiki'],
    ]) {
      assert.ok(
        verdict.read.some((uid) => uid.type === type && uid.id === id),
        `${type} ${id}`,
      );
    }
  });

  test('a change of group, segment or resource counts from the next question on', () => {
    const view = facts();
    const ben = () => answer(ask(as('of-ben')), view);
    assert.equal(ben(), 'deny');
    view.put('group', 'staff', { memberOf: ['administrators'] });
    assert.equal(ben(), 'allow');
    view.put('segment', 'internal', { sensitivity: 'high' });
    assert.equal(ben(), 'deny');
    view.put('resource', 'wiki', { segment: null });
    assert.equal(ben(), 'allow');
    view.put('user', 'ben', { status: 'suspended' });
    assert.equal(ben(), 'deny');
  });

  test('a cycle ends, and costs nobody a membership', () => {
    const policies = only('@id("a") permit(principal in Group::"b", action, resource);');
    const view = facts();
    view.put('group', 'a', { memberOf: ['b', 'a'] });
    view.put('group', 'b', { memberOf: ['c'] });
    view.put('group', 'c', { memberOf: ['a'] });
    view.put('user', 'ben', { groups: ['c'] });
    view.put('segment', 'internal', { within: 'internal' });
    assert.equal(judge({ view, policies, question: ask(as('of-ben')), now }).answer, 'allow');
  });

  test('more ancestors than can be judged close the door', () => {
    const view = facts();
    for (let i = 0; i < 1_200; i += 1) view.put('group', `g${i}`, { memberOf: [`g${i + 1}`] });
    view.put('user', 'ben', { groups: ['g0'] });
    assert.equal(answer(ask(as('of-ben'), { app: 'demo' }), view), 'indeterminate');
  });

  test('a segment that is named but gone counts as high', () => {
    const view = facts();
    view.put('segment', 'internal', null);
    assert.equal(answer(ask(as('of-ada')), view), 'deny');
  });

  test('sensitivity is the highest around an app, not the nearest', () => {
    const view = facts();
    view.put('segment', 'vault', { sensitivity: 'public' });
    assert.equal(answer(ask(as('of-ada'), { app: 'safe' }), view), 'deny');
  });
});
