import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { type FactKind, type FactOf, formatUid, type Question } from '#foundation/model';
import { FactTable } from '#information/inventory';
import { fakeFactView } from '../../../tests/fakes/fact-view.ts';
import { preparedPolicies, publishedPolicies } from '../../../tests/published-policies.ts';
import { askAbout, judge } from './index.ts';

const now = 1_800_000_000_000;
const shipped = readFileSync(join(import.meta.dirname, '../../../policies/schema.cedarschema'), 'utf8');
const text = `
@id("staff") permit (principal in Group::"g0", action, resource in Segment::"s0");
@id("named") permit (principal == User::"u1", action, resource == App::"a1");
@id("every") permit (principal in Group::"everyone", action, resource is App) when { resource.sensitivity == "low" };
@id("granted") permit (principal is User, action, resource) when { context.grants.containsAny([Grant::"r0", Grant::"r1"]) };
@id("tools") permit (principal is Workload, action, resource == App::"a0");
@id("mail") forbid (principal is User, action, resource) when { principal.email like "*@bad" };
@id("staged") forbid (principal in Group::"g2", action, resource);`;

type Change = readonly [kind: FactKind, id: string, body: object | null];
const pick = (prefix: string) => fc.constantFrom(...['0', '1', '2'].map((each) => `${prefix}${each}`));
const few = (prefix: string) => fc.uniqueArray(pick(prefix), { maxLength: 2 });
const email = fc.constantFrom(null, 'a@bad', 'a@good', 'half \ud800');
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.tuple(
    fc.constant('user' as const),
    pick('u'),
    fc.option(fc.record({ groups: few('g'), email, status: fc.constantFrom('active', 'suspended') })),
  ),
  fc.tuple(fc.constant('group' as const), pick('g'), fc.option(fc.record({ memberOf: few('g') }))),
  fc.tuple(
    fc.constant('segment' as const),
    pick('s'),
    fc.option(fc.record({ within: fc.option(pick('s')), sensitivity: fc.constantFrom('low', 'high') })),
  ),
  fc.tuple(
    fc.constant('resource' as const),
    pick('a'),
    fc.option(fc.record({ segment: fc.option(pick('s')), requestable: fc.boolean() })),
  ),
  fc.tuple(
    fc.constant('grant' as const),
    pick('r'),
    fc.option(
      fc.record({
        user: pick('u'),
        resource: pick('a'),
        expiresAt: fc.constantFrom(now - 1, now + 1, Number.MAX_SAFE_INTEGER),
      }),
    ),
  ),
  fc.tuple(fc.constant('session' as const), pick('x'), fc.option(fc.record({ user: pick('u') }))),
);

const kindsOfAsker = fc.oneof(
  fc.record({ kind: fc.constant('session' as const), sessionId: pick('x') }),
  fc.record({ kind: fc.constant('token' as const), tokenId: fc.constantFrom('person', 'tool') }),
  fc.constant({ kind: 'anonymous' as const }),
);
const asked = fc.record({ asker: kindsOfAsker, app: fc.constantFrom('a0', 'a1') });
const step = fc.oneof(
  change.map((each) => ({ change: each })),
  asked.map((each) => ({ ask: each })),
);

function question(asker: Question['asker'], app: string): Question {
  const request = { method: 'GET', host: 'x', path: '/', route: 'default', address: '', tls: true, noun: '' };
  return { asker, action: 'read', resource: { type: 'App', id: app }, request };
}

function world() {
  return fakeFactView({
    user: { u0: { groups: ['g0'] }, u1: {} },
    group: { everyone: {}, g0: { memberOf: ['g1'] } },
    segment: { s0: { within: 's1' }, s1: {} },
    resource: { a0: { segment: 's0' }, a1: {} },
    session: { x0: { user: 'u0' }, x1: { user: 'u1' } },
    token: { person: { owner: { type: 'User', id: 'u0' } }, tool: { owner: { type: 'Workload', id: 'backup' } } },
    grant: { r0: { user: 'u1', resource: 'a0' } },
  });
}

const states = [{ id: 'staged', state: 'staged' as const, stage: { groups: ['g2'] } }];
const published = preparedPolicies({
  sequence: 1,
  schema: shipped,
  policies: [{ file: 'a.cedar', text }],
  states,
});
const alone = published();

test('judge() over the entity store answers as it does over what each question brings along, whatever changes in between', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 40 }), (steps) => {
      const view = world();
      const stored = published(view);
      for (const each of steps) {
        if ('change' in each) {
          const [kind, id, body] = each.change;
          view.put(kind, id, body as Partial<FactOf<FactKind>>);
          continue;
        }
        const input = { view, question: question(each.ask.asker, each.ask.app), now };
        // A view of its own, about which nothing is remembered.
        const anew = { ...input, view: { ...view } };
        assert.deepEqual(judge({ ...input, policies: stored }), judge({ ...anew, policies: alone }));
      }
    }),
    { numRuns: 500 },
  );
});

test('judge() refuses whom facts do not fit the schema, and goes on once they do', () => {
  const view = world();
  const policies = published(view);
  const ask = () =>
    judge({ view, policies, question: question({ kind: 'session', sessionId: 'x0' }, 'a0'), now }).answer;
  assert.equal(ask(), 'allow');
  view.put('user', 'u0', { email: 'half \ud800' });
  assert.equal(ask(), 'indeterminate');
  view.put('user', 'u0', { email: null });
  assert.equal(ask(), 'allow');
  assert.equal(policies.entities?.standsFor(view, { about: 'everything' }), true);
});

test('judge() over the entity store knows an entity that only a policy names', () => {
  const view = world();
  const forbid = 'forbid (principal, action, resource) when { User::"u1".status == "suspended" };';
  const policies = publishedPolicies({
    sequence: 1,
    schema: shipped,
    policies: [{ file: 'a.cedar', text: `@id("all") permit (principal, action, resource);\n@id("one") ${forbid}` }],
    view,
  });
  const ask = () =>
    judge({ view, policies, question: question({ kind: 'session', sessionId: 'x0' }, 'a0'), now }).answer;
  assert.equal(ask(), 'allow');
  view.put('user', 'u1', { status: 'suspended' });
  assert.equal(ask(), 'deny');
});

test('the store follows another copy of all facts, and forgets what that does not hold', () => {
  const table = new FactTable({ clock: () => now });
  const group = { displayName: '', description: '', memberOf: [], origin: 'api' as const };
  const rows = (ids: readonly string[], revision: number) =>
    ids.map((id) => ({ kind: 'group' as const, id, revision, body: group }));
  const { entities } = published(table);
  const known = () => {
    assert.equal(entities?.standsFor(table, { about: 'everything' }), true);
    return [...(entities?.store.known() ?? [])].map(({ id }) => id).sort();
  };
  table.replace({ epoch: 1, revision: 1, rows: rows(['a', 'b'], 1) });
  assert.deepEqual(known(), ['a', 'b']);
  table.apply(rows(['c'], 2), 2);
  assert.deepEqual(known(), ['a', 'b', 'c']);
  table.replace({ epoch: 2, revision: 1, rows: rows(['c'], 1) });
  assert.deepEqual(known(), ['c']);
});

const shopText = `
@id("own") permit (principal, action, resource) when { resource has owner && resource.owner == principal };
@id("clerk") permit (principal in Shop::Team::"t0", action, resource in Shop::Shelf::"f0");
@id("staff") permit (principal in Group::"g0", action, resource) when { context has note && context.note.owner == principal };
@id("cheap") forbid (principal, action, resource) when { resource has price && resource.price > 5 };`;
const shopSchema = `
namespace Shop {
  entity Team in [Team];
  entity Clerk in [Team];
  entity Shelf in [Shelf];
  entity Item in [Shelf] { owner?: Clerk, price?: Long };
  action "take" appliesTo { principal: [Clerk, User], resource: [Item], context: { note?: { owner?: Clerk }, now?: datetime } };
}`;
const shop = preparedPolicies({
  sequence: 1,
  schema: `${shipped}\n${shopSchema}`,
  policies: [
    {
      file: 'a.cedar',
      text: shopText.replaceAll('context.note.owner', 'context.note has owner && context.note.owner'),
    },
  ],
});
const uid = (type: string, id: string) => ({ type: `Shop::${type}`, id });
const reference = (id: string) => ({ __entity: uid('Clerk', id) });
const attrs = fc.record(
  { owner: pick('c').map(reference), price: fc.constantFrom(1, 9, 'dear') },
  { requiredKeys: [] },
);
const parentsOf = (type: string, prefix: string) =>
  fc.uniqueArray(pick(prefix), { maxLength: 2 }).map((ids) => ids.map((id) => uid(type, id)));
const stored = fc.oneof(
  fc.tuple(fc.constant('Item'), pick('i'), fc.record({ attrs, parents: parentsOf('Shelf', 'f') })),
  fc.tuple(fc.constant('Clerk'), pick('c'), fc.record({ attrs: fc.constant({}), parents: parentsOf('Team', 't') })),
  fc.tuple(fc.constant('Team'), pick('t'), fc.record({ attrs: fc.constant({}), parents: parentsOf('Team', 't') })),
  fc.tuple(fc.constant('Shelf'), pick('f'), fc.record({ attrs: fc.constant({}), parents: parentsOf('Shelf', 'f') })),
);
const shopStep = fc.oneof(
  fc.record({ put: stored, isGone: fc.boolean() }),
  fc.record({ user: pick('u'), groups: few('g') }),
  fc.record({
    subject: fc.oneof(
      pick('c').map((id) => ({ type: 'Clerk', id })),
      pick('u').map((id) => ({ type: 'user', id })),
    ),
    item: pick('i'),
    properties: attrs,
    note: fc.option(pick('c')),
  }),
);

test('askAbout() over the entity store answers as it does over what each question reaches, whatever is stored and given', () => {
  fc.assert(
    fc.property(fc.array(shopStep, { minLength: 5, maxLength: 40 }), (steps) => {
      const view = world();
      const [over, beside] = [shop(view), shop()];
      const scope = { isEverything: true, apps: new Map(), namespaces: new Map() };
      for (const each of steps) {
        if ('put' in each) {
          const [type, id, body] = each.put;
          const put = each.isGone ? null : { uid: uid(type, id), ...body };
          view.put('entity', formatUid(uid(type, id)), put as Partial<FactOf<'entity'>> | null);
          continue;
        }
        if ('user' in each) {
          view.put('user', each.user, { groups: each.groups });
          continue;
        }
        const about = {
          subject: { ...each.subject, properties: {} },
          action: { name: 'take', properties: {} },
          resource: { type: 'Item', id: each.item, properties: each.properties },
          context: each.note === null ? {} : { note: { owner: reference(each.note) } },
        };
        const needs = { view, scope, now, isSearch: false, findUser: (name: string) => name, requestFor: () => '' };
        assert.deepEqual(
          askAbout({ ...needs, policies: over }, about),
          askAbout({ ...needs, view: { ...view }, policies: beside }, about),
        );
      }
    }),
    { numRuns: 150 },
  );
});
