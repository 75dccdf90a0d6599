import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scopesCover } from './token-scope.ts';

const request = { method: 'GET', host: 'x', path: '/', route: 'default', address: '127.0.0.1', tls: false, noun: '' };
const onApp = (id: string, scopes: string[]) =>
  scopesCover(scopes, { action: 'write', resource: { type: 'App', id }, request });

test('scopesCover() lets a token with administrative scopes through to the console host, and to no other app', () => {
  for (const scope of ['admin', 'read', 'user:read', 'policy:write']) {
    assert.equal(onApp('console', [scope]), true, scope);
    assert.equal(onApp('wiki', [scope]), false, scope);
  }
  for (const scope of ['app:wiki', 'app:wiki:read', 'app:read', 'user', 'user:admin', 'user:read:x', '']) {
    assert.equal(onApp('console', [scope]), false, scope);
  }
});
