import type { JournalEvent } from '#foundation/model';
import { systemSubject } from './journal-keys.ts';

/** The event by which a journal tells that start-up cut a torn tail off: OCSF Application Error, General Error. */
export function journalRepaired(
  repair: { readonly seq: number; readonly bytes: number },
  { id, time, writer }: { id: string; time: number; writer: string },
): JournalEvent {
  return {
    id,
    time,
    classUid: 6008,
    activityId: 1,
    severityId: 4,
    statusId: 1,
    subject: systemSubject,
    policySequence: 0,
    factRevision: 0,
    payload: {
      message: `The journal of ${writer} ended in a torn record: ${repair.bytes} bytes after record ${repair.seq - 1} were cut off and kept aside.`,
      unmapped: { writer, seq: repair.seq, bytes: repair.bytes },
    },
  };
}
