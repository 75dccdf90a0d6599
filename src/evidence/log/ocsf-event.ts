import type { LogRecord } from './log-record.ts';

/** The version of the schema (https://schema.ocsf.io) that events follow. */
export const ocsfVersion = '1.6.0';

/** A complete OCSF event. */
export type OcsfEvent = Readonly<Record<string, unknown>>;

const statusNames = ['Unknown', 'Success', 'Failure'];

/**
 * Completes a record to an OCSF event: what the header says, what our builders put into the payload, and what follows from
 * both (`type_uid`, `category_uid`, `metadata`). Header members win over the payload's. A record whose person was erased
 * keeps its header and says so in `unmapped.erased`, one that does not open with the key of its person in `unmapped.damaged`.
 */
export function toOcsf(record: LogRecord, { productVersion }: { productVersion: string }): OcsfEvent {
  const { profiles, ...payload } = record.payload ?? {
    unmapped: record.isDamaged ? { damaged: true } : { erased: true },
  };
  return {
    ...payload,
    activity_id: record.activityId,
    category_uid: Math.floor(record.classUid / 1000),
    class_uid: record.classUid,
    type_uid: record.classUid * 100 + record.activityId,
    severity_id: record.severityId,
    status_id: record.statusId,
    status: statusNames[record.statusId] ?? 'Other',
    time: record.time,
    metadata: {
      version: ocsfVersion,
      product: { name: 'Nullius', vendor_name: 'Nullius', version: productVersion },
      log_provider: 'Nullius',
      log_name: record.writer,
      sequence: record.seq,
      uid: record.id,
      correlation_uid: record.id,
      ...(Array.isArray(profiles) && profiles.length > 0 ? { profiles } : {}),
    },
  };
}
