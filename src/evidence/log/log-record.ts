import type { Keyring } from './journal-keys.ts';
import { LogError } from './log-error.ts';
import type { SealedRecord } from './segment-view.ts';

/** A record as readers see it. */
export interface LogRecord {
  readonly id: string;
  readonly writer: string;
  readonly seq: number;
  readonly time: number;
  readonly classUid: number;
  readonly activityId: number;
  readonly severityId: number;
  readonly statusId: number;
  /** Whose record it is, or null when the key is gone: the person was erased, or the reader was not given it. */
  readonly subject: string | null;
  /** What stands for the subject in the header. */
  readonly pseudonym: string;
  readonly policySequence: number;
  readonly factRevision: number;
  /** Null when it cannot be opened. Holds what clients sent: attacker-controlled, and only ever data. */
  readonly payload: Readonly<Record<string, unknown>> | null;
}

/** Opens a record with whatever key the ring has for it. Throws LogError `damaged` when the right key does not open it. */
export function openRecord(record: SealedRecord, keys: Keyring): LogRecord {
  const { header, opener } = record;
  const subject = keys.byPseudonym(header.subject);
  const text = subject === undefined ? undefined : opener.open(record, subject);
  if (subject !== undefined && text === undefined) {
    throw new LogError('damaged', `the payload of event \`${header.id}\` does not open with the key of its subject`);
  }
  return {
    id: header.id,
    writer: header.writer,
    seq: header.seq,
    time: header.time,
    classUid: header.class_uid,
    activityId: header.activity_id,
    severityId: header.severity_id,
    statusId: header.status_id,
    subject: subject?.subject ?? null,
    pseudonym: header.subject,
    policySequence: header.policy_sequence,
    factRevision: header.fact_revision,
    payload: text === undefined ? null : (JSON.parse(text) as Record<string, unknown>),
  };
}
