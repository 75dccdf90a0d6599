import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { serialize } from 'node:v8';
import { LogError, queryLog, verifyLog, WrittenPrincipal } from '#evidence/log';
import { type StartJournalOptions, startJournal } from '#shell/journal';
import {
  journalFolder,
  signNote,
  testEvent,
  testKeyring,
  testKeys,
  verifyNote,
} from '../../../tests/fakes/journal-folder.ts';

const keyTexts = new Map(testKeys.map(([subject, key]) => [subject, Buffer.from(key).toString('base64url')]));
const code = (wanted: string) => (error: unknown) => error instanceof LogError && error.code === wanted;

function start(t: TestContext, overrides: Partial<StartJournalOptions> = {}) {
  const folder = journalFolder();
  t.after(folder.remove);
  const open = () =>
    startJournal({
      directory: join(folder.root, 'gateway-1'),
      writer: 'gateway-1',
      sync: 'interval',
      keyOf: (subject) => keyTexts.get(subject),
      signCheckpoint: signNote,
      reserveBytes: 4096,
      ...overrides,
    });
  return { root: folder.root, open };
}

test('startJournal() writes events of many turns and subjects, and the log verifies with a checkpoint over all', async (t) => {
  const { root, open } = start(t);
  const journal = await open();
  for (let turn = 0; turn < 20; turn += 1) {
    const events = ['ada', 'bob', 'system', 'nobody-known'].map((subject) => testEvent(subject));
    await Promise.all(events.map((event, index) => journal.append(event, { isReserved: index === 0 })));
  }
  const event = testEvent();
  await journal.append(event);
  assert.equal(await journal.has(event.id), true);
  assert.equal(await journal.has(testEvent().id), false);
  await journal.close();
  const report = await verifyLog({ directory: root, verifyNote });
  assert.equal(report.ok, true);
  assert.equal(report.writers[0]?.signedSize, 81);
  await assert.rejects(journal.append(testEvent()), code('closed'));
});

test('events of every length and alphabet come into the log as they were, however many are handed over at once', async (t) => {
  const { root, open } = start(t);
  const journal = await open();
  const letters = ['a', 'é', '語', '🔏', '"', '\\', '\n', '\ud800'];
  const events = Array.from({ length: 400 }, (_, index) => {
    const long = index % 41 === 7 ? 30_000 : index * 3;
    return testEvent(index % 3 === 0 ? 'ada' : 'bob', {
      id: `${'x'.repeat(index % 60)}-${index}`,
      payload: { message: (letters[index % letters.length] ?? '').repeat(long), index },
    });
  });
  for (const from of [0, 130, 140]) {
    const until = from === 0 ? 130 : from === 130 ? 140 : events.length;
    await Promise.all(events.slice(from, until).map((event) => journal.append(event)));
  }
  await journal.close();
  const query = { directory: root, keys: testKeyring, limit: 1000, order: 'oldest-first' } as const;
  const { records } = await queryLog(query);
  assert.deepEqual(
    records.map(({ id, time, subject, payload }) => ({ id, time, subject, payload })),
    events.map(({ id, time, subject, payload }) => ({ id, time, subject, payload })),
  );
});

for (const isWritten of [false, true])
  test(`a subject's events are sealed by its key as it is now, though it is asked for only when keys have changed (${isWritten ? 'one object for' : 'by the name of'} who is in many)`, async (t) => {
    const keys = new Map(keyTexts);
    const asked: string[] = [];
    let keysVersion = 0;
    const keyOf = (subject: string) => {
      asked.push(subject);
      return keys.get(subject);
    };
    const { root, open } = start(t, { keyOf, keysVersion: () => keysVersion });
    const journal = await open();
    const principals = new Map(
      ['ada', 'bob'].map((uid) => [uid, new WrittenPrincipal({ type: 'User', uid })] as const),
    );
    const append = async (subject: string, to = journal) => {
      const event = testEvent(subject);
      const principal = principals.get(subject);
      assert.ok(principal);
      await to.append(isWritten ? { ...event, payload: JSON.stringify(event.payload), principal } : event);
      return event.id;
    };
    const readable = async (directory = root) => {
      const query = { directory, keys: testKeyring, limit: 100, order: 'oldest-first' } as const;
      return (await queryLog(query)).records.flatMap(({ id, payload }) => (payload === null ? [] : [id]));
    };
    const before = [await append('ada'), await append('bob'), await append('ada'), await append('ada')];
    assert.equal(asked.filter((subject) => subject === 'ada').length, 1);
    const other = start(t, { keysVersion: () => keysVersion });
    const otherJournal = await other.open();
    const elsewhere = [await append('bob', otherJournal), await append('ada', otherJournal)];
    await otherJournal.close();
    assert.deepEqual(await readable(other.root), elsewhere, 'another journal has numbers of its own');
    keys.set('ada', Buffer.alloc(32, 7).toString('base64url'));
    keysVersion += 1;
    const unreadable = await append('ada');
    const between = await append('bob');
    keys.delete('ada');
    keysVersion += 1;
    const afterErasure = await append('ada');
    await journal.close();
    const found = await readable();
    assert.ok(!found.includes(unreadable), 'sealed by the new key, which the reader does not have');
    assert.deepEqual(found, [...before, between, afterErasure], 'with no key of its own, by the one of strangers');
  });

test('what hangs on a principal tells of no other key, and serves nobody behind the moment at which the thread forgets its keys', async (t) => {
  const asked: string[] = [];
  const keyOf = (subject: string) => {
    asked.push(subject);
    return keyTexts.get(subject) ?? keyTexts.get('bob');
  };
  const { root, open } = start(t, { keyOf, keysVersion: () => 0 });
  const journal = await open();
  const ada = new WrittenPrincipal({ type: 'User', uid: 'ada' });
  const append = async (principal: WrittenPrincipal) => {
    const event = testEvent(principal.subject);
    await journal.append({ ...event, payload: JSON.stringify(event.payload), principal });
    return event.id;
  };
  const before = await append(ada);
  const others = Array.from({ length: 17_000 }, (_, index) => testEvent(`other-${index}`));
  for (let from = 0; from < others.length; from += 1000)
    await Promise.all(others.slice(from, from + 1000).map((event) => journal.append(event)));
  const hanging = serialize(ada.keyNumber).length;
  const after = await append(ada);
  await journal.close();
  assert.ok(hanging < 1000, `${hanging} bytes`);
  assert.equal(asked.filter((subject) => subject === 'ada').length, 2);
  const [first, last] = await Promise.all(
    (['oldest-first', 'newest-first'] as const).map(async (order) => {
      const { records } = await queryLog({ directory: root, keys: testKeyring, limit: 1, order });
      return records[0];
    }),
  );
  assert.deepEqual([first?.id, last?.id], [before, after]);
  assert.ok(first?.payload && last?.payload, 'sealed by her key');
});

test('append() resolves in mode before-answer', async (t) => {
  const { open } = start(t, { sync: 'before-answer' });
  const journal = await open();
  await Promise.all(Array.from({ length: 100 }, () => journal.append(testEvent())));
  await journal.close();
});

test('a second writer on one folder is refused until the first has closed', async (t) => {
  const { open } = start(t);
  const journal = await open();
  await assert.rejects(open(), code('locked'));
  await journal.close();
  await (await open()).close();
});

test('append() refuses when more events wait than the queue holds, and keeps places for administrators', async (t) => {
  const { open } = start(t, { queuedEventsMax: 3 });
  const journal = await open();
  const three = [1, 2, 3].map(() => journal.append(testEvent()));
  await assert.rejects(journal.append(testEvent()), code('full'));
  await journal.append(testEvent(), { isReserved: true });
  await Promise.all(three);
  await journal.append(testEvent());
  await journal.close();
});

test('append() refuses an event that cannot be a record without harming its neighbours', async (t) => {
  const { open } = start(t);
  const journal = await open();
  const good = journal.append(testEvent());
  await assert.rejects(journal.append(testEvent('ada', { id: 'not an id\n' })), code('invalid'));
  await assert.rejects(journal.append(testEvent('ada', { time: Number.NaN })), code('invalid'));
  await assert.rejects(journal.append(testEvent('ada', { payload: { big: 'é'.repeat(200_000) } })), code('invalid'));
  await good;
  await journal.close();
});

test('a checkpoint that cannot be signed is told and does not stop the journal', async (t) => {
  const notices: string[] = [];
  const { root, open } = start(t, {
    signCheckpoint: () => Promise.reject(new Error('the signer is gone')),
    onNotice: (words) => notices.push(words),
  });
  const journal = await open();
  await journal.append(testEvent());
  await journal.close();
  assert.match(notices.join(), /the signer is gone/);
  assert.equal((await verifyLog({ directory: root, verifyNote })).ok, true);
});

test('a journal opened with a retention frees its old segments, says so, and still verifies', async (t) => {
  const notices: string[] = [];
  const { root, open } = start(t, {
    segmentBytesMax: 16 * 1024,
    retentionMs: 24 * 3_600_000,
    onNotice: (words) => notices.push(words),
  });
  const first = await open();
  for (let turn = 0; turn < 300; turn += 1) await first.append(testEvent('ada', { time: 1_000 + turn }));
  await first.close();
  const before = await verifyLog({ directory: root, verifyNote });
  assert.equal(before.writers[0]?.pruned, 0, 'what no checkpoint covered yet stays');
  const second = await open();
  await second.append(testEvent());
  await second.close();
  const after = await verifyLog({ directory: root, verifyNote });
  assert.equal(after.ok, true);
  const pruned = after.writers[0]?.pruned ?? 0;
  assert.ok(pruned > 100 && pruned < 300, `${pruned}`);
  assert.match(notices.join(), new RegExp(`^${pruned} journal records beyond the retention were removed`));
});
