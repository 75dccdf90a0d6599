import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiProblem } from './api/problem.ts';
import { fewAtOnce } from './few-at-once.ts';

test('fewAtOnce() runs so much at once, has so much wait, refuses the rest, and gives places back whatever becomes of the work', async () => {
  const run = fewAtOnce({ runningMax: 2, waitingMax: 3 });
  let [running, most] = [0, 0];
  const ends: (() => void)[] = [];
  const work = async (isGood: boolean) => {
    running += 1;
    most = Math.max(most, running);
    await new Promise<void>((resolve) => ends.push(resolve));
    running -= 1;
    if (!isGood) throw new Error('bad');
  };
  const all = [true, false, true, false, true].map((isGood) => run(() => work(isGood)));
  const settled = Promise.allSettled(all);
  await assert.rejects(
    run(() => work(true)),
    (error) => error instanceof ApiProblem && error.details.status === 503,
  );
  for (let done = 0; done < all.length; done += 1) {
    while (ends.length === 0) await new Promise((resolve) => setImmediate(resolve));
    ends.shift()?.();
  }
  assert.deepEqual(
    (await settled).map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled'],
  );
  assert.equal(most, 2);
  assert.equal(await run(async () => 'free again'), 'free again');
});
