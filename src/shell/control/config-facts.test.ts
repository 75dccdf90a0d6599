import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeFactView } from '../../../tests/fakes/fact-view.ts';
import { configSchema } from '../config/schema.ts';
import { configFacts } from './config-facts.ts';

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
