import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FactRow, Resource } from '#foundation/model';
import { FactTable } from '#information/inventory';
import { sitesFrom } from './sites.ts';

const urls = { domain: 'example.test', appsDomain: 'apps.test', scheme: 'https', port: null } as const;
const resource: Resource = {
  kind: 'app',
  displayName: '',
  description: '',
  segment: null,
  upstream: 'http://10.0.0.5:3000',
  allowPrivate: true,
  preserveHost: false,
  routes: [],
  corsPreflight: false,
  crossOriginCookie: false,
  requestable: true,
  origin: 'api',
};

function sitesOf(rows: Omit<FactRow, 'revision'>[]) {
  const table = new FactTable({ clock: () => 0 });
  table.replace({ epoch: 1, revision: 1, rows: rows.map((row) => ({ ...row, revision: 1 }) as FactRow) });
  return sitesFrom(table, { urls, webSocketPath: '/run/web.sock' });
}

const segment = (within: string | null, sensitivity: 'low' | 'high') => ({
  displayName: '',
  within,
  sensitivity,
  origin: 'api' as const,
});

test('sitesFrom() serves apps under the apps domain and our own hosts under the domain', () => {
  const sites = sitesOf([
    { kind: 'resource', id: 'wiki', body: resource },
    { kind: 'resource', id: 'console', body: { ...resource, upstream: 'unix:/elsewhere.sock', origin: 'builtin' } },
  ]);
  assert.deepEqual([...sites.keys()].sort(), ['console.example.test', 'wiki.apps.test']);
  assert.equal(sites.get('console.example.test')?.upstream?.socketPath, '/run/web.sock');
});

test('sitesFrom() gives a resource that is not built in no socket for an upstream', () => {
  const sites = sitesOf([{ kind: 'resource', id: 'evil', body: { ...resource, upstream: 'unix:/run/web.sock' } }]);
  assert.equal(sites.get('evil.apps.test')?.upstream, null);
});

test('sitesFrom() takes the highest sensitivity of all segments around', () => {
  const sites = sitesOf([
    { kind: 'segment', id: 'pci', body: segment('vault', 'low') },
    { kind: 'segment', id: 'vault', body: segment(null, 'high') },
    { kind: 'resource', id: 'cards', body: { ...resource, segment: 'pci' } },
  ]);
  assert.equal(sites.get('cards.apps.test')?.sensitivity, 'high');
});

test('sitesFrom() guards an unknown segment and a circle of segments as the strictest', () => {
  const sites = sitesOf([
    { kind: 'segment', id: 'a', body: segment('b', 'low') },
    { kind: 'segment', id: 'b', body: segment('a', 'low') },
    { kind: 'resource', id: 'circle', body: { ...resource, segment: 'a' } },
    { kind: 'resource', id: 'nowhere', body: { ...resource, segment: 'gone' } },
  ]);
  assert.equal(sites.get('circle.apps.test')?.sensitivity, 'high');
  assert.equal(sites.get('nowhere.apps.test')?.sensitivity, 'high');
});
