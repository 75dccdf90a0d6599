import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { queryLog, readCheckpoints, verifyLog } from '#evidence/log';
import { journalFolder, testKeyring, testKeys } from '../../../tests/fakes/journal-folder.ts';

const keys = JSON.stringify(
  Object.fromEntries(testKeys.map(([subject, key]) => [subject, Buffer.from(key).toString('base64url')])),
);
const writer = 'gateway-1';

/** Starts a writer under Node's permission model, as the gateway runs; tells acknowledged ids as they come. */
function startWriter(
  root: string,
  { sync, mayWrite, fileBlocksMax }: { sync: string; mayWrite: boolean; fileBlocksMax?: number },
) {
  const args = [
    '--permission',
    '--allow-worker',
    '--allow-fs-read=*',
    ...(mayWrite ? [`--allow-fs-write=${root}/*`] : []),
  ];
  const words = [process.execPath, ...args, 'tests/stand-ins/journal-writer.ts', join(root, writer), sync, keys];
  const limit = `ulimit -f ${fileBlocksMax ?? 'unlimited'} && exec "$@"`;
  const child = spawn('/bin/sh', ['-c', limit, 'sh', ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: string[] = [];
  const errors: string[] = [];
  const opened = Promise.withResolvers<void>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line === 'open' || line.startsWith('failed')) opened.resolve();
    lines.push(line);
  });
  createInterface({ input: child.stderr }).on('line', (line) => errors.push(line));
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => {
      opened.resolve();
      resolve();
    });
  });
  return { child, lines, errors, opened: opened.promise, ended };
}

/** Every id in the log. */
async function idsIn(directory: string): Promise<Set<string>> {
  const ids = new Set<string>();
  let cursor: string | undefined;
  do {
    const page = await queryLog({
      directory,
      keys: testKeyring,
      limit: 1000,
      ...(cursor === undefined ? {} : { cursor }),
    });
    for (const record of page.records) ids.add(record.id);
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
  return ids;
}

for (const sync of ['interval', 'before-answer']) {
  test(`a writer killed again and again loses no acknowledged event (${sync}) and its log verifies`, async (t) => {
    const folder = journalFolder(writer);
    t.after(folder.remove);
    mkdirSync(join(folder.root, writer));
    const acknowledged: string[] = [];
    for (let round = 0; round < 5; round += 1) {
      const { child, lines, errors, opened, ended } = startWriter(folder.root, { sync, mayWrite: true });
      await opened;
      const isUnderWay = () =>
        lines.length > 1 && (round > 0 || readCheckpoints(join(folder.root, writer)).checkpoints.length > 0);
      while (!isUnderWay() && child.exitCode === null) await pause(5);
      await pause(Math.random() * 150);
      child.kill('SIGKILL');
      await ended;
      assert.equal(lines[0], 'open', `${lines.join()} ${errors.join()}`);
      // The last line may have been cut by the kill itself.
      acknowledged.push(...lines.slice(1).filter((line) => line.length === 22));
    }
    assert.ok(acknowledged.length > 100, `only ${acknowledged.length} acknowledged`);
    const present = await idsIn(folder.root);
    assert.deepEqual(
      acknowledged.filter((id) => !present.has(id)),
      [],
    );
    const verifyNote = async (note: string) =>
      readCheckpoints(join(folder.root, writer)).checkpoints.find((checkpoint) => checkpoint.note === note);
    const report = await verifyLog({ directory: folder.root, verifyNote });
    // A tail torn by the last kill is what start-up would cut off; anything else is a fault.
    assert.deepEqual(
      report.writers[0]?.faults.filter((fault) => fault.kind !== 'torn-tail'),
      [],
    );
    assert.ok((report.writers[0]?.checkpoints ?? 0) > 0);
  });
}

test('startJournal() says so when it may not write its folder', async (t) => {
  const folder = journalFolder(writer);
  t.after(folder.remove);
  const { lines, ended } = startWriter(folder.root, { sync: 'interval', mayWrite: false });
  await ended;
  assert.match(lines.join(), /^failed io .*(permission|Access|access)/);
});

test('a journal that its disk refuses is broken for good, says so once, and takes nothing more', async (t) => {
  const folder = journalFolder(writer);
  t.after(folder.remove);
  mkdirSync(join(folder.root, writer));
  // Files may grow to 51,200 bytes: the write that would pass it fails, and not for want of space.
  const { lines, ended } = startWriter(folder.root, { sync: 'interval', mayWrite: true, fileBlocksMax: 100 });
  await ended;
  assert.deepEqual(
    lines.filter((line) => line.startsWith('told')),
    ['told io'],
  );
  assert.match(lines.at(-1) ?? '', /^failed io the journal cannot be written/);
  const present = await idsIn(folder.root);
  const acknowledged = lines.filter((line) => line.length === 22);
  assert.ok(acknowledged.length > 0);
  assert.deepEqual(
    acknowledged.filter((id) => !present.has(id)),
    [],
  );
});
