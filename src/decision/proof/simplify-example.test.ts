import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DecisionRequest } from '#decision/engine';
import { simplify } from './simplify-example.ts';

const request: DecisionRequest = {
  principal: { type: 'U', id: 'a' },
  action: { type: 'Action', id: 'read' },
  resource: { type: 'R', id: 'r' },
  context: { noun: 'text-1', session: { credential: 'recovery', age: 7 }, flags: ['x'] },
  entities: [
    {
      uid: { type: 'U', id: 'a' },
      attrs: { status: 'odd', n: 3 },
      parents: [
        { type: 'G', id: 'g' },
        { type: 'G', id: 'h' },
      ],
      tags: { t: 1 },
    },
    { uid: { type: 'G', id: 'g' }, attrs: {}, parents: [] },
  ],
};

test('simplify() keeps what the example needs and who takes part, and makes the rest plain', () => {
  const found = simplify(request, ({ context, entities }) => {
    const session = context['session'] as { credential?: string; age?: number } | undefined;
    const fits = session?.age !== undefined && 'noun' in context && 'flags' in context;
    return fits && session.credential === 'recovery' && entities[0]?.parents.some(({ id }) => id === 'h') === true;
  });
  assert.deepEqual(found.context, { noun: '', session: { credential: 'recovery', age: 0 }, flags: [] });
  assert.deepEqual(found.entities, [
    { uid: { type: 'U', id: 'a' }, attrs: {}, parents: [{ type: 'G', id: 'h' }], tags: {} },
  ]);
});
