import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CallControl, ControlError } from './control-client.ts';
import { SeenSessions } from './seen-sessions.ts';

type Sessions = readonly { readonly id: string; readonly at: number }[];

function started() {
  const state = { now: 0, isAway: false, reports: [] as Sessions[] };
  const call = async (_name: string, { sessions }: { sessions: Sessions }) => {
    if (state.isAway) throw new ControlError('unreachable', { message: 'away' });
    state.reports.push(sessions);
    return {};
  };
  const seen = new SeenSessions(call as unknown as CallControl, () => state.now);
  const bearers = new Map<string, Parameters<typeof seen.saw>[0]>();
  const saw = (sessionId: string, at: number) => {
    state.now = at;
    const bearer = bearers.get(sessionId) ?? { sessionId, idleMs: 60_000, seen: null };
    bearers.set(sessionId, bearer);
    seen.saw(bearer, at);
  };
  return { state, seen, saw };
}

test('flush() reports the newest use of each session at once, and again when a twentieth of its idle time went by', async () => {
  const { state, seen, saw } = started();
  saw('a', 1_000);
  saw('a', 2_000);
  saw('b', 2_000);
  await seen.flush();
  assert.deepEqual(state.reports.splice(0), [
    [
      { id: 'a', at: 2_000 },
      { id: 'b', at: 2_000 },
    ],
  ]);
  saw('a', 4_900);
  await seen.flush();
  assert.deepEqual(state.reports, [], 'control knows of a use that is young enough');
  state.now = 5_000;
  await seen.flush();
  assert.deepEqual(state.reports.splice(0), [[{ id: 'a', at: 4_900 }]], 'told, though no other use came');
  saw('b', 100_000);
  await seen.flush();
  assert.deepEqual(state.reports.splice(0), [[{ id: 'b', at: 100_000 }]], 'nothing is told twice');
  await seen.close();
});

test('flush() keeps what control could not take, and close() leaves nothing untold, however many', async () => {
  const { state, seen, saw } = started();
  state.isAway = true;
  for (let index = 0; index < 5_001; index += 1) saw(`s${index}`, 1_000);
  await seen.flush();
  state.isAway = false;
  await seen.flush();
  assert.deepEqual(
    state.reports.splice(0).map((sessions) => sessions.length),
    [5_000, 1],
  );
  saw('s0', 1_001);
  await seen.flush();
  assert.deepEqual(state.reports, []);
  await seen.close();
  assert.deepEqual(state.reports, [[{ id: 's0', at: 1_001 }]]);
});
