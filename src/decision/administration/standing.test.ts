import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Asker, FactRow } from '#foundation/model';
import { FactTable } from '#information/inventory';
import { fakeFact } from '../../../tests/fakes/fact-view.ts';
import { standingOf } from './standing.ts';

const appCount = 80;
const people = ['ada', 'ben'];
const app = (index: number) => `app-${index}`;
const grant = (user: string, index: number, expiresAt: number): FactRow => ({
  kind: 'grant',
  id: `${user}-${index}`,
  revision: 1,
  body: fakeFact('grant', { user, resource: app(index), state: 'active', expiresAt }),
});

function someFacts(): FactRow[] {
  const apps = Array.from({ length: appCount }, (_, index): FactRow => {
    return { kind: 'resource', id: app(index), revision: 1, body: fakeFact('resource') };
  });
  const ofPeople = people.flatMap((user): FactRow[] => [
    { kind: 'user', id: user, revision: 1, body: fakeFact('user', { name: user }) },
    { kind: 'session', id: `of-${user}`, revision: 1, body: fakeFact('session', { user, expiresAt: 1_000 }) },
  ]);
  return [...apps, ...ofPeople, grant('ada', 3, 500), grant('ada', 70, 600), grant('ben', 3, 700)];
}

function tableOf(rows: readonly FactRow[], revision: number): FactTable {
  const table = new FactTable({ clock: () => 0 });
  table.replace({ epoch: 1, revision, rows });
  return table;
}

const askers: Asker[] = [
  ...people.map((user): Asker => ({ kind: 'session', sessionId: `of-${user}` })),
  { kind: 'anonymous' },
  { kind: 'operator' },
];
const anAsker = fc.constantFrom(...askers);
// Few of them often, so that changes meet what was remembered.
const anApp = fc.oneof(fc.nat({ max: 5 }), fc.nat({ max: appCount }));
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ asker: anAsker, index: anApp, passMs: fc.integer({ min: -20, max: 22 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ grantee: fc.constantFrom(...people), index: anApp, expiresAt: fc.nat({ max: 900 }) }),
  },
  { weight: 1, arbitrary: fc.record({ revoked: fc.constantFrom(...people) }) },
);

test('standingOf() gives of many apps in any order what it would give who asks for the first time', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 100, maxLength: 300 }), (steps) => {
      const rows = new Map(someFacts().map((row) => [`${row.kind} ${row.id}`, row]));
      const table = tableOf([...rows.values()], 1);
      let now = 400;
      for (const each of steps) {
        if ('asker' in each) {
          now = Math.max(0, now + each.passMs);
          const asked = { asker: each.asker, resource: { type: 'App', id: app(each.index) }, now, as: undefined };
          const [known, fresh] = [table, tableOf([...rows.values()], table.revision)].map((view) =>
            standingOf(view, asked),
          );
          const say = (standing: typeof known) =>
            standing && { ...standing.subject, place: standing.place, grants: standing.grants, ends: standing.endsAt };
          assert.deepEqual(say(known), say(fresh));
          continue;
        }
        const { body, ...row } =
          'grantee' in each
            ? grant(each.grantee, each.index, each.expiresAt)
            : {
                kind: 'session' as const,
                id: `of-${each.revoked}`,
                body: fakeFact('session', { user: each.revoked, expiresAt: 1_000, status: 'revoked' }),
              };
        const changed = { ...row, body, revision: table.revision + 1 } as FactRow;
        rows.set(`${changed.kind} ${changed.id}`, changed);
        table.apply([changed], changed.revision);
      }
    }),
    { numRuns: 60 },
  );
});
