// A process that writes a journal as fast as it is acknowledged and tells every acknowledged id on stdout, to be killed.
// Arguments: folder, sync mode, keys as JSON.
import { randomBytes } from 'node:crypto';
import { writeSync } from 'node:fs';
import { basename } from 'node:path';
import type { SyncMode } from '#evidence/log';
import { startJournal } from '#shell/journal';

const [directory = '', sync = 'interval', keys = '{}'] = process.argv.slice(2);
const known = JSON.parse(keys) as Partial<Record<string, string>>;
try {
  const journal = await startJournal({
    directory,
    writer: basename(directory),
    sync: sync as SyncMode,
    keyOf: (subject) => known[subject],
    signCheckpoint: async (statement) => Buffer.from(`unsigned ${statement.size}`).toString('base64url'),
    checkpointIntervalMs: 40,
    segmentBytesMax: 200_000,
    reserveBytes: 4096,
    onNotice: (words) => console.error(words),
    onFailure: (error) => writeSync(1, `told ${error.code}\n`),
  });
  writeSync(1, 'open\n');
  for (;;) {
    const ids = Array.from({ length: 60 }, () => randomBytes(16).toString('base64url'));
    const events = ids.map((id) => ({
      id,
      time: Date.now(),
      classUid: 4002,
      activityId: 1,
      severityId: 1,
      statusId: 1 as const,
      subject: 'ada',
      policySequence: 1,
      factRevision: 1,
      payload: { message: 'x'.repeat(200) },
    }));
    // More than go over at once: every one of them must be answered, also when the thread fails in between.
    const written = await Promise.allSettled(events.map((event) => journal.append(event)));
    const refused = written.find((each) => each.status === 'rejected');
    if (refused !== undefined) throw refused.reason;
    writeSync(1, `${ids.join('\n')}\n`);
  }
} catch (error) {
  const { code, message } = error as Error & { code?: string };
  writeSync(1, `failed ${code} ${message}\n`);
  process.exit(1);
}
