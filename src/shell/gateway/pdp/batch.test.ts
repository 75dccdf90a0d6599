import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { everything, startTestPdp, tokenRow, userRow } from './test-pdp.ts';

const morty = 'CiRmZDE2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs';
const user = (id: string) => ({ type: 'user', id });
const todo = (id: string, ownerID: string) => ({ type: 'todo', id, properties: { ownerID } });
const wiki = { type: 'app', id: 'wiki' };
const own = todo('a', 'morty@the-citadel.com');

interface Asked {
  readonly subject: object;
  readonly action: { readonly name: string };
  readonly resource: { readonly id?: string };
}

const questions: readonly Asked[] = [
  { subject: user(morty), action: { name: 'can_update_todo' }, resource: own },
  { subject: user(morty), action: { name: 'can_update_todo' }, resource: todo('b', 'rick') },
  { subject: user(morty), action: { name: 'can_read_todos' }, resource: own },
  { subject: user(morty), action: { name: 'fly' }, resource: own },
  { subject: user('nobody'), action: { name: 'can_update_todo' }, resource: own },
  { subject: user('ada'), action: { name: 'can_update_todo' }, resource: { type: 'todo' } as object },
  { subject: user('ada'), action: { name: 'read' }, resource: wiki },
  { subject: user('ada'), action: { name: 'read' }, resource: { ...wiki, id: 'none' } },
  { subject: user('bo'), action: { name: 'read' }, resource: wiki },
  { subject: user('nobody'), action: { name: 'read' }, resource: wiki },
];
const narrow = 'nls_narrow';

/** Of an event: what was asked for alike, and of what. */
interface Told {
  readonly action: string | null;
  readonly resources: readonly (string | null)[];
}

test('a batch is answered as its evaluations are one by one, each under the id of an event that tells it', async (t) => {
  const group = { kind: 'group', id: 'administrators' } as const;
  const { pdp, events } = await startTestPdp(t, {
    rows: [
      { ...group, body: { displayName: '', description: '', memberOf: [], origin: 'builtin' } },
      userRow('u-ada', { name: 'ada', groups: ['administrators'] }),
      userRow('u-bo', { name: 'bo', status: 'suspended' }),
      tokenRow('t-narrow', narrow, ['pdp:app:wiki', 'pdp:namespace:Todo']),
    ],
  });
  const alone = new Map<string, Promise<unknown>>();
  const answerAlone = async (token: string, question: unknown) => {
    const { status, text, json } = await pdp('/access/v1/evaluation', question, { token });
    // What concerns one evaluation of a batch is that one's own denial.
    if (status !== 200) return { decision: false, context: { id: '', error: { status, message: text } } };
    return { ...json, context: { ...json.context, id: '' } };
  };
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...questions), { minLength: 2, maxLength: 24 }),
      fc.constantFrom(everything, narrow),
      async (evaluations, token) => {
        const before = events.length;
        const { json } = await pdp('/access/v1/evaluations', { evaluations }, { token });
        const told = new Map<string, string[]>();
        for (const { id, payload } of events.slice(before)) {
          const { unmapped, resources } = JSON.parse(String(payload));
          const one: Told = { action: unmapped.action ?? null, resources: [resources?.[0]?.uid ?? null] };
          const list: readonly Told[] = unmapped.evaluations ?? [one];
          told.set(
            id,
            list.flatMap((each) => each.resources.map((uid) => `${each.action} ${uid}`)),
          );
        }
        assert.equal([...told.values()].flat().length, evaluations.length);
        for (const [index, question] of evaluations.entries()) {
          const key = `${token} ${JSON.stringify(question)}`;
          const expected = alone.get(key) ?? answerAlone(token, question);
          alone.set(key, expected);
          const { decision, context } = json.evaluations[index];
          assert.deepEqual({ decision, context: { ...context, id: '' } }, await expected);
          const isRead = question.resource.id !== undefined;
          assert.ok(
            told.get(context.id)?.includes(isRead ? `${question.action.name} ${question.resource.id}` : 'null null'),
          );
        }
      },
    ),
    { numRuns: 60 },
  );
});
