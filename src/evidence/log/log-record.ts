import type { Keyring } from './journal-keys.ts';
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
  /** Is the payload null although its subject's key is there? Then it is nothing that an honest writer left. */
  readonly isDamaged: boolean;
}

/** Members within members: our events have a handful, and what reads a payload may go down it by recursion. */
const payloadDepthMax = 32;

/**
 * Opens a record with whatever key the ring has for it. Journals of other machines lie beside ours, and a writer there may have been taken
 * over: what does not open, or opens to what nobody writes, is told with its record, so that one record never hides the others.
 */
export function openRecord(record: SealedRecord, keys: Keyring): LogRecord {
  const { header, opener } = record;
  const subject = keys.byPseudonym(header.subject);
  const text = subject === undefined ? undefined : opener.open(record, subject);
  const payload = text === undefined ? undefined : readPayload(text);
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
    payload: payload ?? null,
    isDamaged: subject !== undefined && payload === undefined,
  };
}

function readPayload(text: string): Record<string, unknown> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const isPayload = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isPayload && nestsWithin(value, payloadDepthMax) ? (value as Record<string, unknown>) : undefined;
}

function nestsWithin(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return levels > 0 && Object.values(value).every((member) => nestsWithin(member, levels - 1));
}
