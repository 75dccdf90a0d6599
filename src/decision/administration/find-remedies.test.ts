import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, test } from 'node:test';
import type { Asker, Question } from '#foundation/model';
import { fakeFactView } from '../../../tests/fakes/fact-view.ts';
import { publishedPolicies } from '../../../tests/published-policies.ts';
import { findRemedies, judge } from './index.ts';

const shipped = join(import.meta.dirname, '../../../policies');
const schema = readFileSync(join(shipped, 'schema.cedarschema'), 'utf8');
const policies = globSync(join(shipped, '*.cedar'))
  .sort()
  .map((file) => ({ file: basename(file), text: readFileSync(file, 'utf8') }));
const published = publishedPolicies({ sequence: 1, schema, policies });
const only = (text: string) => publishedPolicies({ sequence: 1, schema, policies: [{ file: 'a.cedar', text }] });

const now = 1_800_000_000_000;
const facts = () =>
  fakeFactView({
    group: { everyone: {}, staff: {} },
    user: { ben: { name: 'ben', groups: ['staff'] }, root: { name: 'root', groups: ['administrators'] } },
    session: {
      ben: { user: 'ben', authTime: now - 7_200_000 },
      federated: { user: 'ben', authTime: now, credential: 'federated', phishingResistant: false, provider: 'corp' },
    },
    segment: { secret: { sensitivity: 'high' } },
    resource: { demo: {}, wiki: { requestable: true }, closed: {}, safe: { segment: 'secret', requestable: true } },
    token: { t: { owner: { type: 'User', id: 'ben' }, scopes: ['app:wiki'] } },
  });

function ask(asker: Asker, app: string, route = 'default'): Question {
  const request = { method: 'GET', host: 'x', path: '/', route, address: '10.0.0.1', tls: true, noun: '' };
  return { asker, action: 'read', resource: { type: 'App', id: app }, request };
}
const ben: Asker = { kind: 'session', sessionId: 'ben' };
const anonymous: Asker = { kind: 'anonymous' };

function kinds(question: Question, { view = facts(), set = published } = {}): string[] {
  assert.notEqual(judge({ view, policies: set, question, now }).answer, 'allow');
  return findRemedies({ view, policies: set, question, now }).map(({ kind }) => kind);
}

describe('findRemedies()', () => {
  test('offers a stranger to sign in where that can help, and not where it cannot', () => {
    assert.deepEqual(kinds(ask(anonymous, 'demo')), ['sign-in']);
    assert.deepEqual(kinds(ask(anonymous, 'demo', 'administrators')), ['sign-in']);
    assert.deepEqual(kinds(ask(anonymous, 'wiki')), ['sign-in']);
    assert.deepEqual(
      kinds(ask(anonymous, 'wiki'), { set: only('@id("a") permit(principal is Workload, action, resource);') }),
      [],
    );
  });

  test('a policy for one person by name does not count as help for a stranger', () => {
    const set = only('@id("a") permit(principal == User::"root", action, resource);');
    assert.deepEqual(kinds(ask(anonymous, 'demo'), { set }), []);
  });

  test('offers a grant where one can be asked for', () => {
    assert.deepEqual(kinds(ask(ben, 'wiki')), ['request-grant']);
    assert.deepEqual(kinds(ask(ben, 'closed')), []);
  });

  test('offers two steps together when one does not do', () => {
    assert.deepEqual(kinds(ask(ben, 'safe')), ['request-grant']);
    const [remedy] = findRemedies({ view: facts(), policies: published, question: ask(ben, 'safe'), now });
    assert.match(remedy?.words ?? '', /Ask for access.* Then: Sign in again/);
  });

  test('offers fresh proof, a stronger credential, a bound session, a compliant device: each where it alone turns the answer', () => {
    const when = (condition: string) => only(`@id("a") permit(principal, action, resource) when { ${condition} };`);
    const federated: Asker = { kind: 'session', sessionId: 'federated' };
    const sets: [Asker, string, string[]][] = [
      [ben, 'context.session.present && context.session.authAgeSeconds < 60', ['fresh-authentication']],
      [federated, 'context.session.credential == "passkey"', ['stronger-credential']],
      [ben, 'context.session.bound', ['bound-session']],
      [ben, 'context.device.compliance == "compliant"', ['compliant-device']],
      [ben, 'context.device.known && context.session.bound', ['bound-session']],
      [ben, 'context.tls == false', []],
    ];
    for (const [asker, condition, expected] of sets) {
      assert.deepEqual(kinds(ask(asker, 'closed'), { set: when(condition) }), expected, condition);
    }
  });

  test('offers nothing to a token or without policies', () => {
    assert.deepEqual(kinds(ask({ kind: 'token', tokenId: 't' }, 'wiki')), []);
    assert.deepEqual(findRemedies({ view: facts(), policies: null, question: ask(ben, 'wiki'), now }), []);
  });

  test('asks a bounded number of questions', () => {
    const base = only('@id("a") forbid(principal, action, resource);');
    let count = 0;
    const counted = {
      ...base,
      compiled: {
        ...base.compiled,
        decide: (...input: Parameters<typeof base.compiled.decide>) => {
          count += 1;
          return base.compiled.decide(...input);
        },
      },
    };
    findRemedies({
      view: facts(),
      policies: counted,
      question: ask({ kind: 'session', sessionId: 'federated' }, 'wiki'),
      now,
    });
    assert.ok(count <= 15, `${count}`);
  });
});
