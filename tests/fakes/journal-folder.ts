// A journal folder in a temporary place, with keys and a checkpoint signer that tests can see through.
import { createHmac, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type CheckpointStatement,
  type Journal,
  keyring,
  type OpenJournalOptions,
  openJournal,
  sealable,
  type VerifyNote,
} from '#evidence/log';
import { canonicalJson } from '#foundation/encoding';
import type { JournalEvent } from '#foundation/model';

export const testKeys: [string, Uint8Array][] = ['system', 'stranger', 'ada', 'bob'].map((subject) => [
  subject,
  randomBytes(32),
]);
export const testKeyring = keyring(testKeys);

const noteKey = randomBytes(32);
const mac = (text: string) => createHmac('sha256', noteKey).update(text).digest('base64url');

/** Stands for the signer: a keyed hash instead of a signature. */
export async function signNote(statement: CheckpointStatement): Promise<string> {
  const text = canonicalJson(statement);
  return `${Buffer.from(text).toString('base64url')}.${mac(text)}`;
}

export const verifyNote: VerifyNote = async (note) => {
  const [body = '', tag] = note.split('.');
  const text = Buffer.from(body, 'base64url').toString();
  return tag === mac(text) ? (JSON.parse(text) as CheckpointStatement) : undefined;
};

export function testEvent(subject = 'ada', overrides: Partial<JournalEvent> = {}): JournalEvent {
  return {
    id: randomBytes(16).toString('base64url'),
    time: 1_800_000_000_000,
    classUid: 4002,
    activityId: 1,
    severityId: 1,
    statusId: 1,
    subject,
    policySequence: 1,
    factRevision: 1,
    payload: { message: `something about ${subject}` },
    ...overrides,
  };
}

export interface JournalFolder {
  readonly root: string;
  open(options?: Partial<OpenJournalOptions>): ReturnType<typeof openJournal>;
  remove(): void;
}

export function journalFolder(writer = 'gateway-1'): JournalFolder {
  const root = mkdtempSync(join(tmpdir(), 'nullius-journal-'));
  return {
    root,
    open: (options = {}) =>
      openJournal({
        directory: join(root, options.writer ?? writer),
        writer,
        sync: 'interval',
        keys: testKeyring,
        random: randomBytes,
        now: Date.now,
        verifyNote,
        ...options,
      }),
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** Appends `count` events, `perGroup` at a time, and gives them. */
export async function appendMany(journal: Journal, count: number, perGroup = 10): Promise<JournalEvent[]> {
  const events: JournalEvent[] = [];
  for (let at = 0; at < count; at += perGroup) {
    const group = Array.from({ length: Math.min(perGroup, count - at) }, (_, index) =>
      testEvent(index % 2 === 0 ? 'ada' : 'bob', { time: 1_800_000_000_000 + at + index }),
    );
    await journal.append(group.map((event) => sealable(event, testKeyring.bySubject(event.subject))));
    events.push(...group);
  }
  return events;
}
