import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeptFields } from '#enforcement/gateway';
import { assertionsPerCallMax, type GatewayCalls } from '#shell/wire';
import { fakeFact } from '../../../tests/fakes/fact-view.ts';
import { Assertions } from './assertions.ts';
import { Bearer } from './bearer.ts';
import { type CallControl, ControlError } from './control-client.ts';

type Asked = GatewayCalls['assertions']['request']['asked'];
const lifeMs = 60_000;

const valueIn = ({ pairs }: KeptFields) => pairs[1];
const textOf = (field: KeptFields | Promise<KeptFields>) =>
  field instanceof KeptFields ? valueIn(field) : field.then(valueIn);

/** Control as the gateway sees it: makes an assertion that says whose it is and when it was made. */
function control() {
  const state = { now: 1_000_000, isAway: false, calls: [] as Asked[] };
  const call = (async (_name: string, { asked }: { asked: Asked }) => {
    state.calls.push(asked);
    await new Promise((resolve) => setImmediate(resolve));
    if (state.isAway) throw new ControlError('unreachable', { message: 'away' });
    const made = asked.map(({ sessionId, resource }) =>
      sessionId === 'ended'
        ? { status: 401, refused: 'this session has ended' }
        : { jwt: `${sessionId} ${resource} ${state.now}`, expiresAt: state.now + lifeMs },
    );
    return { made };
  }) as unknown as CallControl;
  const made = new Assertions(call, () => state.now);
  const assertions = {
    /** What the field says. */
    get: (...of: Parameters<Assertions['get']>) => textOf(made.get(...of)),
    keepSignedBy: (keyIds: readonly string[]) => made.keepSignedBy(keyIds),
  };
  return { state, assertions };
}

const bearer = (sessionId: string) =>
  new Bearer({ sessionId, session: fakeFact('session'), user: fakeFact('user') }, { epoch: 1, revision: 1 });

test('get() asks once for all that is wanted at the same time, and each gets its own or its own refusal', async () => {
  const { state, assertions } = control();
  const people = Array.from({ length: 3 * assertionsPerCallMax }, (_, index) => bearer(`s${index}`));
  const wanted = people.map((each) => assertions.get(each, 'wiki'));
  const ended = assert.rejects(Promise.resolve(assertions.get(bearer('ended'), 'wiki')), {
    code: 'refused',
    status: 401,
  });
  const again = people.map((each) => assertions.get(each, 'wiki'));
  assert.deepEqual(
    await Promise.all(wanted),
    people.map(({ sessionId }) => `${sessionId} wiki ${state.now}`),
  );
  await Promise.all([ended, ...again]);
  assert.deepEqual(
    state.calls.map((asked) => asked.length),
    [...Array(3).fill(assertionsPerCallMax), 1],
  );
  const [first] = people;
  assert.ok(first);
  assert.equal(assertions.get(first, 'wiki'), `s0 wiki ${state.now}`, 'at once from then on');
  assert.equal(typeof assertions.get(first, 'crm'), 'object', 'each app has its own');
  assert.equal(assertions.get(first, 'wiki'), `s0 wiki ${state.now}`, 'and keeps it');
});

const turns = () => new Promise((resolve) => setImmediate(() => setImmediate(() => setImmediate(resolve))));

test('get() sends what is still good while the next is made, and waits for a new one when facts changed or it runs out', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { state, assertions } = control();
  const s = bearer('s');
  const first = await assertions.get(s, 'wiki');
  state.now += 35_000;
  assert.equal(assertions.get(s, 'wiki'), first);
  assert.equal(assertions.get(s, 'wiki'), first);
  t.mock.timers.tick(1_000);
  await turns();
  assert.equal(state.calls.length, 2, 'made once');
  const second = assertions.get(s, 'wiki');
  assert.equal(second, `s wiki ${state.now}`);
  state.now += 55_000;
  assert.equal(await assertions.get(s, 'wiki'), `s wiki ${state.now}`, 'five seconds are too little');
  assert.equal(typeof assertions.get(bearer('s'), 'wiki'), 'object', 'what was said of other facts is not sent');
});

test('get() asks for those nobody waits for when they fill a call or have gathered for a second', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { state, assertions } = control();
  const people = Array.from({ length: assertionsPerCallMax + 5 }, (_, index) => bearer(`s${index}`));
  await Promise.all(people.map((each) => assertions.get(each, 'wiki')));
  const before = state.calls.length;
  state.now += 35_000;
  for (const each of people) assert.equal(typeof assertions.get(each, 'wiki'), 'string');
  await turns();
  const lengths = () => state.calls.slice(before).map((asked) => asked.length);
  assert.deepEqual(lengths(), [assertionsPerCallMax], 'a whole call goes at once');
  t.mock.timers.tick(1_000);
  await turns();
  assert.deepEqual(lengths(), [assertionsPerCallMax, 5]);
  for (const [index, each] of people.entries())
    assert.equal(assertions.get(each, 'wiki'), `s${index} wiki ${state.now}`);
});

test('get() lets a request that waits go before those nobody waits for, and takes one along that is waited for by now', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { state, assertions } = control();
  const old = bearer('old');
  await assertions.get(old, 'wiki');
  state.now += 35_000;
  assert.equal(typeof assertions.get(old, 'wiki'), 'string');
  await assertions.get(bearer('new'), 'wiki');
  assert.deepEqual(
    state.calls.at(-1)?.map(({ sessionId }) => sessionId),
    ['new', 'old'],
  );
  state.now += 35_000;
  assert.equal(typeof assertions.get(old, 'wiki'), 'string', 'gathers');
  state.now += 20_000;
  assert.equal(await assertions.get(old, 'wiki'), `old wiki ${state.now}`, 'no timer had to end');
});

test('get() goes on with the one at hand while control is away, until it runs out', async () => {
  const { state, assertions } = control();
  const s = bearer('s');
  const first = await assertions.get(s, 'wiki');
  state.isAway = true;
  for (const passedMs of [40_000, 15_000, 3_000]) {
    state.now += passedMs;
    assert.equal(await assertions.get(s, 'wiki'), first);
  }
  state.now += 1_500;
  await assert.rejects(Promise.resolve(assertions.get(s, 'wiki')), { code: 'unreachable' });
  await assert.rejects(Promise.resolve(assertions.get(bearer('s'), 'wiki')), { code: 'unreachable' });
});

test('get() sends nothing that a key signed which control names no more', async () => {
  const signedBy = (kid: string) => `${Buffer.from(JSON.stringify({ kid })).toString('base64url')}.e30.`;
  let kid = 'old';
  const call = async () => ({ made: [{ jwt: signedBy(kid), expiresAt: lifeMs }] });
  const assertions = new Assertions(call as unknown as CallControl, () => 0);
  const s = bearer('s');
  await assertions.get(s, 'wiki');
  assertions.keepSignedBy(['old', 'new']);
  assert.equal(await textOf(assertions.get(s, 'wiki')), signedBy('old'));
  kid = 'new';
  assertions.keepSignedBy(['new']);
  assert.equal(await textOf(assertions.get(s, 'wiki')), signedBy('new'));
});

test('get() refuses all that wait when control does not answer one call: nobody waits for several', async () => {
  const { state, assertions } = control();
  state.isAway = true;
  const people = Array.from({ length: 10 * assertionsPerCallMax }, (_, index) => bearer(`s${index}`));
  const outcomes = await Promise.allSettled(people.map((each) => assertions.get(each, 'wiki')));
  assert.ok(outcomes.every(({ status }) => status === 'rejected'));
  assert.equal(state.calls.length, 2, 'as many as are under way at once');
});

test('get() refuses when too many wait for control', async () => {
  const never = new Assertions((() => new Promise(() => {})) as unknown as CallControl, () => 0);
  const wanted = Array.from({ length: 10_001 }, (_, index) => Promise.resolve(never.get(bearer(`s${index}`), 'wiki')));
  await assert.rejects(Promise.race(wanted), { code: 'unreachable' });
});

test('an assertion that cannot be sent is refused to whoever waits for it, and to nobody else', async () => {
  const jwts = ['first', 'no\r\nx: y', 'third'];
  const call = async () => ({ made: jwts.map((jwt) => ({ jwt, expiresAt: lifeMs })) });
  const assertions = new Assertions(call as unknown as CallControl, () => 0);
  const outcomes = await Promise.allSettled(jwts.map((each) => assertions.get(bearer(each), 'wiki')));
  assert.deepEqual(
    outcomes.map((each) => (each.status === 'fulfilled' ? valueIn(each.value) : 'refused')),
    ['first', 'refused', 'third'],
  );
});
