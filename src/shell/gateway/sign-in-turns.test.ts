import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ControlError } from './control-client.ts';
import { SignInTurns } from './sign-in-turns.ts';
import { startTestGate } from './test-gate.ts';

const isTooMany = (error: unknown) => error instanceof ControlError && error.code === 'refused' && error.status === 503;

/** Sign-ins whose calls end when they are told. */
function openTurns() {
  const turns = new SignInTurns();
  const running: { name: string; end: () => void }[] = [];
  const take = (address: string, { name = address, isWanted = (): boolean => true } = {}) =>
    turns.take(address, {
      isWanted,
      call: () => new Promise<string>((resolve) => running.push({ name, end: () => resolve(name) })),
    });
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
  return { take, running, turn };
}

test('SignInTurns lets four calls reach control at once, and the next ones in their order', async () => {
  const { take, running, turn } = openTurns();
  const all = Array.from({ length: 8 }, (_, at) => take(`192.0.2.${at}`));
  await turn();
  assert.equal(running.length, 4);
  running[2]?.end();
  await turn();
  assert.deepEqual(
    running.map(({ name }) => name),
    ['192.0.2.0', '192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4'],
  );
  for (let at = 0; at < 8; at += 1, await turn()) running[at]?.end();
  assert.equal((await Promise.all(all)).length, 8);
});

test('SignInTurns refuses what one client has too much of, and others have their turn all the same', async () => {
  const { take, running, turn } = openTurns();
  const refused: boolean[] = [];
  const flood = Array.from({ length: 1_000 }, (_, at) =>
    take(`2001:db8::${at.toString(16)}`).catch((error: unknown) => refused.push(isTooMany(error))),
  );
  await turn();
  assert.deepEqual(refused, Array(1_000 - 32).fill(true));
  const other = take('198.51.100.7');
  for (let at = 0; at < 33; at += 1, await turn()) running[at]?.end();
  assert.equal(await other, '198.51.100.7');
  await Promise.all(flood);
});

test('SignInTurns refuses whoever comes when very many wait, from wherever they come', async () => {
  const { take, running, turn } = openTurns();
  const waiting = Array.from({ length: 4 + 512 }, (_, at) => take(`10.${at % 256}.${at >> 8}.1`));
  let isRefused = false;
  const late = take('198.51.100.7').catch((error: unknown) => {
    isRefused = isTooMany(error);
  });
  await turn();
  assert.ok(isRefused);
  for (let at = 0; at < waiting.length; at += 1, await turn()) running[at]?.end();
  await Promise.all([...waiting, late]);
});

test('SignInTurns asks control nothing for whoever has gone meanwhile', async () => {
  const { take, running, turn } = openTurns();
  const first = Array.from({ length: 4 }, (_, at) => take(`192.0.2.${at}`));
  const gone = take('198.51.100.7', { isWanted: () => false });
  const last = take('198.51.100.8');
  await turn();
  const refused = assert.rejects(gone, isTooMany);
  for (const { end } of running.slice()) end();
  await turn();
  assert.deepEqual(
    running.slice(4).map(({ name }) => name),
    ['198.51.100.8'],
  );
  running.at(-1)?.end();
  await Promise.all([...first, last, refused]);
});

test('page loads of strangers reach control a few at a time', async (t) => {
  const answered = Promise.withResolvers<void>();
  t.after(() => answered.resolve());
  const begun = { location: 'http://id.localhost:8080/auth', flow: 'f', flowLifetimeMs: 1_000 };
  const call = async () => {
    await answered.promise;
    return begun as never;
  };
  const { ask, calls, gate } = await startTestGate(t, { rows: [], call });
  const page = { headers: { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' } };
  const loads = Array.from({ length: 12 }, () => ask('/', page));
  // All of them were judged, and what follows has had its turn.
  while (!gate.metrics.text().includes('nullius_decisions_total{answer="deny"} 12'))
    await new Promise((resolve) => setImmediate(resolve));
  while (calls.length < 4) await new Promise((resolve) => setImmediate(resolve));
  for (let turns = 0; turns < 10; turns += 1) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(calls.length, 4);
  answered.resolve();
  assert.deepEqual(new Set((await Promise.all(loads)).map(({ status }) => status)), new Set([303]));
  assert.equal(calls.length, 12);
});
