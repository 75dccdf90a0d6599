import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatRoutes, readRoutes } from './read-routes.ts';

test('readRoutes() reads back what formatRoutes() writes', () => {
  const routes = [
    { path: '/admin/**', label: 'admin', encodedSlash: false },
    { path: '/api/*/items', label: 'api-items', encodedSlash: true },
  ];
  assert.deepEqual(readRoutes(`\n${formatRoutes(routes)}\n\n`), { state: 'good', routes });
  assert.deepEqual(readRoutes(''), { state: 'good', routes: [] });
});

test('readRoutes() names the line that is wrong', () => {
  for (const line of ['admin admin', '/a/**/b x', '/a', '/a Upper', '/a x y', '/a x encoded-slash more']) {
    const reading = readRoutes(`/ok ok\n${line}`);
    assert.ok(reading.state === 'bad' && reading.words.startsWith('Line 2: '), line);
  }
});
