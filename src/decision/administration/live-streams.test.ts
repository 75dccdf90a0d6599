import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { EntityUid, Question, Verdict } from '#foundation/model';
import { type FactChange, grantPairUid, LiveStreams } from './index.ts';

const user: EntityUid = { type: 'User', id: 'ada' };
const app: EntityUid = { type: 'App', id: 'wiki' };
const grantBody = {
  user: 'ada',
  resource: 'wiki',
  state: 'active',
  reason: '',
  requestedAt: 0,
  decidedBy: null,
  decidedAt: null,
  durationMs: 1,
  expiresAt: null,
} as const;

function question(path = '/'): Question {
  const request = { method: 'GET', host: 'x', path, route: 'default', address: '', tls: true, noun: '' };
  return { asker: { kind: 'session', sessionId: 's' }, action: 'read', resource: app, request };
}

function bench(judge: (question: Question) => Verdict['answer'] = () => 'deny') {
  const time = { wall: 1_000_000, monotonic: 0 };
  const asked: Question[] = [];
  const faults: unknown[] = [];
  const cut: { id: string; kind: string }[] = [];
  const verdict = (answer: Verdict['answer']): Verdict => ({
    answer,
    reasons: [],
    words: ['words'],
    errors: [],
    policySequence: 1,
    factRevision: 1,
    read: [user, app],
    judgeAgainAt: null,
  });
  const streams = new LiveStreams({
    clock: () => time.wall,
    monotonicClock: () => time.monotonic,
    judge: ({ question: asking }) => {
      asked.push(asking);
      return verdict(judge(asking));
    },
    readsNamed: () => false,
    yieldTurn: () => nextTurn(),
    onFault: (error) => faults.push(error),
  });
  const open = (id: string, options: { session?: string; read?: EntityUid[]; judgeAgainAt?: number } = {}) =>
    streams.register({
      sessionId: options.session ?? 's',
      userId: 'ada',
      question: question(`/${id}`),
      verdict: { read: options.read ?? [user, app], judgeAgainAt: options.judgeAgainAt ?? null },
      cut: ({ kind }) => cut.push({ id, kind }),
    });
  return { streams, open, cut, asked, faults, time };
}

const ended = (id: string): FactChange => ({ kind: 'session', id, before: null, after: null });

describe('LiveStreams', () => {
  test('cuts the streams of an ended session in the same turn, without judging, and no others', () => {
    const { streams, open, cut, asked } = bench();
    open('a', { session: 'one' });
    open('b', { session: 'two' });
    void streams.onFactsChanged([ended('one')]);
    assert.deepEqual(cut, [{ id: 'a', kind: 'session-ended' }]);
    assert.deepEqual(asked, []);
    assert.equal(streams.size, 1);
  });

  test('cuts all streams of a user who is suspended or gone', () => {
    const { streams, open, cut } = bench();
    open('a', { session: 'one' });
    open('b', { session: 'two' });
    void streams.onFactsChanged([{ kind: 'user', id: 'ada', before: null, after: null }]);
    assert.deepEqual(
      cut.map(({ kind }) => kind),
      ['user-suspended', 'user-suspended'],
    );
  });

  test('judges only streams whose verdict read what changed, and cuts those that are refused', async () => {
    const { streams, open, cut, asked } = bench(({ request }) => (request.path === '/no' ? 'deny' : 'allow'));
    open('no');
    open('yes');
    open('elsewhere', { read: [user, { type: 'App', id: 'other' }] });
    await streams.onFactsChanged([{ kind: 'resource', id: 'wiki', before: null, after: null }]);
    assert.deepEqual(asked.map(({ request }) => request.path).sort(), ['/no', '/yes']);
    assert.deepEqual(cut, [{ id: 'no', kind: 'judged-again' }]);
  });

  test('a grant that did not exist, and one that is removed, are noticed', async () => {
    const { streams, open, asked } = bench(() => 'allow');
    const pair = grantPairUid('ada', 'wiki');
    const close = open('a', { read: [pair] });
    await streams.onFactsChanged([{ kind: 'grant', id: 'new', before: null, after: { ...grantBody } }]);
    close();
    open('b', { read: [pair] });
    await streams.onFactsChanged([{ kind: 'grant', id: 'new', before: { ...grantBody }, after: null }]);
    assert.deepEqual(
      asked.map(({ request }) => request.path),
      ['/a', '/b'],
    );
  });

  test('a new publication judges everything again', async () => {
    const { streams, open, cut } = bench();
    open('a', { read: [] });
    await streams.onFactsChanged([{ kind: 'publication', id: 'current', before: null, after: null }]);
    assert.equal(cut.length, 1);
  });

  test('indeterminate and a judge that throws end the stream', async () => {
    for (const answer of ['indeterminate', 'throw'] as const) {
      const { streams, open, cut, faults } = bench(() => {
        if (answer === 'throw') throw new Error('broken');
        return answer;
      });
      open('a');
      await streams.onFactsChanged([{ kind: 'user', id: 'ada', before: null, after: { status: 'active' } as never }]);
      assert.equal(cut.length, 1);
      assert.equal(faults.length, answer === 'throw' ? 1 : 0);
    }
  });

  test('a stream that cannot be cut does not save the others', () => {
    const { streams, open, cut, faults } = bench();
    streams.register({
      sessionId: 's',
      userId: 'ada',
      question: question(),
      verdict: { read: [], judgeAgainAt: null },
      cut: () => {
        throw new Error('stuck');
      },
    });
    open('b');
    void streams.onFactsChanged([ended('s')]);
    assert.deepEqual([cut.length, faults.length, streams.size], [1, 1, 0]);
  });

  test('is judged again when its time comes by either clock: setting the clock back gives no extra life', async () => {
    const { streams, open, cut, time } = bench();
    open('a', { judgeAgainAt: 1_005_000 });
    await streams.sweep();
    assert.equal(cut.length, 0);
    time.wall -= 3_600_000;
    time.monotonic += 4_999;
    await streams.sweep();
    assert.equal(cut.length, 0);
    time.monotonic += 1;
    await streams.sweep();
    assert.equal(cut.length, 1);

    open('b', { judgeAgainAt: time.wall + 5_000 });
    time.wall += 5_000;
    await streams.sweep();
    assert.equal(cut.length, 2);
  });

  test('a stream taken out is neither judged nor cut', async () => {
    const { streams, open, cut, asked } = bench();
    open('a', { judgeAgainAt: 0 })();
    await streams.onFactsChanged([ended('s'), { kind: 'publication', id: 'current', before: null, after: null }]);
    await streams.sweep();
    assert.deepEqual([cut, asked, streams.size], [[], [], 0]);
  });

  test('gives other work its turn while very many streams are judged', async () => {
    const { streams, open, time } = bench(() => {
      time.monotonic += 1;
      return 'allow';
    });
    for (let i = 0; i < 500; i += 1) open(`${i}`);
    let turns = 0;
    let isDone = false;
    const others = (async () => {
      while (!isDone) {
        turns += 1;
        await nextTurn();
      }
    })();
    await streams.onFactsChanged([{ kind: 'publication', id: 'current', before: null, after: null }]);
    isDone = true;
    await others;
    assert.ok(turns >= 90, `${turns} turns`);
  });

  test('a change that comes while others are judged is judged too', async () => {
    let isRevoked = false;
    const { streams, open, cut, time } = bench(() => {
      time.monotonic += 10;
      return isRevoked ? 'deny' : 'allow';
    });
    for (let i = 0; i < 10; i += 1) open(`${i}`);
    const change: FactChange = { kind: 'resource', id: 'wiki', before: null, after: null };
    const first = streams.onFactsChanged([change]);
    await nextTurn();
    await nextTurn();
    isRevoked = true;
    await streams.onFactsChanged([change]);
    await first;
    assert.equal(cut.length, 10);
  });

  test('cutAll() ends everything', () => {
    const { streams, open, cut } = bench();
    open('a');
    open('b');
    streams.cutAll(['lease over']);
    assert.deepEqual(
      cut.map(({ kind }) => kind),
      ['gate-closed', 'gate-closed'],
    );
  });
});
