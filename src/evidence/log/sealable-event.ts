import type { JournalEvent } from '#foundation/model';
import { frameBytesMax, frameOverheadBytes } from './frame.ts';
import type { SubjectKey } from './journal-keys.ts';
import { LogError } from './log-error.ts';
import { checkHeaderFields, type HeaderFields } from './record-header.ts';
import type { WrittenEvent } from './write-http-activity.ts';

/** Bytes of one payload, as JSON; larger events are refused. */
export const payloadBytesMax = 256 * 1024;
const hardFrameBytes = frameBytesMax - frameOverheadBytes;

/** An event ready to be sealed: header fields, payload as JSON, and the key of its subject. */
export interface SealableEvent {
  readonly fields: HeaderFields;
  /** Text, or its UTF-8, which must stay as it is until the event is appended. */
  readonly payload: string | Uint8Array;
  readonly subject: SubjectKey;
}

/** Makes an event sealable. Throws LogError `invalid` when it cannot be a record. */
export function sealable(event: JournalEvent, subject: SubjectKey): SealableEvent {
  return { fields: headerFields(event), payload: checkEvent(event), subject };
}

function headerFields(event: Omit<JournalEvent, 'payload'>): HeaderFields {
  return {
    activity_id: event.activityId,
    class_uid: event.classUid,
    fact_revision: event.factRevision,
    id: event.id,
    policy_sequence: event.policySequence,
    severity_id: event.severityId,
    status_id: event.statusId,
    time: event.time,
  };
}

/** Gives the payload as JSON text, on one line. Throws LogError `invalid` when the event cannot be a record. */
export function checkEvent(event: JournalEvent | WrittenEvent): string {
  checkHeaderFields(headerFields(event));
  if (typeof event.payload === 'string') {
    if (event.payload.includes('\n'))
      throw new LogError('invalid', `the payload of event \`${event.id}\` has line ends`);
    checkPayload(event.id, event.payload);
    return event.payload;
  }
  let payload: string;
  try {
    payload = JSON.stringify(event.payload);
  } catch (cause) {
    throw new LogError('invalid', `the payload of event \`${event.id}\` cannot be written as JSON`, { cause });
  }
  checkPayload(event.id, payload);
  return payload;
}

/** Throws LogError `invalid` unless the payload fits. */
export function checkPayload(id: string, payload: string | Uint8Array): void {
  // A character is three bytes at most.
  if (payload.length * 3 <= payloadBytesMax) return;
  if (Buffer.byteLength(payload) > Math.min(payloadBytesMax, hardFrameBytes)) {
    throw new LogError('invalid', `the payload of event \`${id}\` is larger than ${payloadBytesMax} bytes`);
  }
}
