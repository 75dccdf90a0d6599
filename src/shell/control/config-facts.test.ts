import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeFactView } from '../../../tests/fakes/fact-view.ts';
import { configSchema } from '../config/schema.ts';
import { writesMax } from '../store/index.ts';
import { configFacts, inCommits } from './config-facts.ts';

test('configFacts() takes the grants and cookies of an app away with it, and no others', () => {
  const view = fakeFactView({
    user: { ada: { name: 'ada' } },
    resource: { wiki: { origin: 'config' }, shop: { origin: 'config' }, mine: { origin: 'api' } },
    grant: {
      'to-wiki': { user: 'ada', resource: 'wiki', state: 'active' },
      'to-shop': { user: 'ada', resource: 'shop', state: 'active' },
      'to-mine': { user: 'ada', resource: 'mine', state: 'active' },
    },
    'app-cookie': { 'at-wiki': { resource: 'wiki' }, 'at-mine': { resource: 'mine' } },
  });
  const config = configSchema.parse({ resources: [{ name: 'shop', upstream: 'https://shop.example.com' }] });
  const removed = configFacts(view, config).filter(({ body }) => body === null);
  assert.deepEqual(
    removed.map(({ kind, id }) => `${kind} ${id}`),
    ['resource wiki', 'app-cookie at-wiki', 'grant to-wiki'],
  );
});

test('configFacts() takes everybody out of a group that the file no longer has', () => {
  const view = fakeFactView({
    user: { ada: { name: 'ada', groups: ['contractors', 'staff'] }, bob: { name: 'bob', groups: ['staff'] } },
    group: {
      contractors: { origin: 'config' },
      staff: { origin: 'config' },
      painters: { origin: 'api', memberOf: ['contractors', 'staff'] },
    },
  });
  const facts = configFacts(view, configSchema.parse({ groups: [{ name: 'staff' }] }));
  const of = (kind: string) => facts.filter((write) => write.kind === kind).map(({ id, body }) => [id, body]);
  assert.deepEqual(
    of('user').map(([id, body]) => [id, (body as { groups: string[] }).groups]),
    [['ada', ['staff']]],
  );
  assert.deepEqual(
    of('group').map(([id, body]) => [id, (body as { memberOf: string[] } | null)?.memberOf]),
    [
      ['staff', []],
      ['contractors', undefined],
      ['painters', ['staff']],
    ],
  );
});

test('inCommits() takes what one commit holds at once, and of more what hangs on the rest first', () => {
  const app = { kind: 'resource', id: 'gone', body: null } as const;
  const access = Array.from({ length: writesMax }, (_, at) => ({ kind: 'grant', id: `g${at}`, body: null }) as const);
  assert.deepEqual(inCommits([]), []);
  assert.deepEqual(inCommits([app, ...access.slice(1)]), [[...access.slice(1), app]]);
  assert.deepEqual(inCommits([app, ...access]), [access, [app]]);
});
