import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChallengeBoard } from './challenge-board.ts';

const challenge = { type: 'http-01', host: 'wiki.example.com', token: 't', keyAuthorization: 't.k' } as const;

test('publish() waits until a gateway says that it shows the challenge', async () => {
  const board = new ChallengeBoard();
  let isShown = false;
  const published = board.publish(challenge).then((remove) => {
    isShown = true;
    return remove;
  });
  const [open] = board.ask([]);
  assert.ok(open && open.host === challenge.host);
  board.ask(['another']);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(isShown, false);
  board.ask([open.id]);
  const remove = await published;
  await remove();
  assert.deepEqual(board.ask([open.id]), []);
});
