import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CutReason } from '#decision/administration';
import type { JournalEvent } from '#foundation/model';
import { FactTable } from '#information/inventory';
import { CutEvents, type Running } from './cut-events.ts';

const reason: CutReason = { kind: 'session-ended', words: ['The session has ended.'], verdict: null };
const running = (id: string) =>
  ({
    id,
    userId: 'u1',
    question: { asker: { kind: 'session', sessionId: 's1' }, action: 'read', request: { route: 'default' } },
    request: { method: 'GET', host: 'wiki.localhost', port: 8080, path: '/events', address: '127.0.0.1', tls: false },
    site: { id: 'wiki' },
  }) as unknown as Running;

function cutEvents(record: (event: JournalEvent) => Promise<void>) {
  const lost: number[] = [];
  let ids = 0;
  const events = new CutEvents({
    clock: () => 7,
    newId: () => `cut-${ids++}`,
    facts: new FactTable({ clock: () => 0 }),
    record,
    onLost: (count) => lost.push(count),
  });
  return { events, lost };
}

test('note() tells the journal that running access ended, why, and of which request', async () => {
  const written: JournalEvent[] = [];
  const { events } = cutEvents(async (event) => void written.push(event));
  events.note(running('first'), reason);
  assert.equal(written.length, 0, 'the cut comes first');
  await events.flush();
  const [event] = written;
  assert.deepEqual([event?.time, event?.classUid, event?.statusId, event?.subject], [7, 4002, 2, 'u1']);
  const { unmapped, status_detail } = event?.payload as Record<string, Record<string, unknown>>;
  assert.equal(unmapped?.['request'], 'first');
  assert.equal(unmapped?.['cut'], 'session-ended');
  assert.equal(status_detail, 'The session has ended.');
});

test('ten thousand cuts at once leave the journal room, and each is told', async () => {
  let open = 0;
  let most = 0;
  let written = 0;
  const { events, lost } = cutEvents(async () => {
    open += 1;
    most = Math.max(most, open);
    await Promise.resolve();
    open -= 1;
    written += 1;
  });
  for (let turn = 0; turn < 10_000; turn += 1) events.note(running(`r${turn}`), reason);
  await events.flush();
  assert.equal(written, 10_000);
  assert.ok(most <= 256, `${most}`);
  assert.deepEqual(lost, []);
});

test('a journal that refuses does not reach the cut, and what is lost is counted', async () => {
  const { events, lost } = cutEvents(() => Promise.reject(new Error('full')));
  for (let turn = 0; turn < 20_005; turn += 1) events.note(running(`r${turn}`), reason);
  await events.flush();
  assert.equal(
    lost.reduce((sum, count) => sum + count, 0),
    20_005,
  );
});
