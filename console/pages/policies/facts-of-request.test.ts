import assert from 'node:assert/strict';
import { test } from 'node:test';
import { factsOfRequest } from './facts-of-request.ts';

test('factsOfRequest() names who, what and on what, and each fact that says something', () => {
  const facts = factsOfRequest({
    principal: { type: 'User', id: 'user-1' },
    action: { type: 'Action', id: 'read' },
    resource: { type: 'App', id: 'wiki' },
    context: {
      route: '',
      tls: false,
      session: { credential: 'recovery', ageSeconds: 0 },
      address: { __extn: { fn: 'ip', arg: '::1' } },
    },
    entities: [
      {
        uid: { type: 'User', id: 'user-1' },
        attrs: { status: 'suspended', boss: { __entity: { type: 'User', id: 'b' } }, groups: [] },
        parents: [{ type: 'Group', id: 'staff' }],
        tags: { 'a"': [1, 2] },
      },
    ],
  });
  assert.deepEqual(
    facts.map(({ name, value }) => `${name} ${value}`),
    [
      'principal User::"user-1"',
      'action Action::"read"',
      'resource App::"wiki"',
      'resource is not known: no such entity',
      'principal in Group::"staff"',
      'principal.status "suspended"',
      'principal.boss User::"b"',
      'principal.getTag("a\\"") [1, 2]',
      'context.session.credential "recovery"',
      'context.address ip("::1")',
    ],
  );
});
