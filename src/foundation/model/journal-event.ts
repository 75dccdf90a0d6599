/**
 * One thing that happened, before it is sealed into the journal. The shape is OCSF 1.x
 * (https://schema.ocsf.io): `class_uid`, `activity_id`, `severity_id` and the class' own objects in `payload`.
 */
export interface JournalEvent {
  /** Unique id, also shown to people as correlation id: 16 random bytes, base64url. */
  readonly id: string;
  /** Milliseconds since the Unix epoch. */
  readonly time: number;
  /** OCSF class: 3001 Account Change, 3002 Authentication, 3003 Authorize Session, 3004 Entity Management, 4002 HTTP Activity, 6003 API Activity, 6008 Application Error … */
  readonly classUid: number;
  readonly activityId: number;
  readonly severityId: number;
  /** OCSF status: 1 success, 2 failure. */
  readonly statusId: 0 | 1 | 2;
  /** Whose key seals the payload: a user id, or `system` for events about nobody. Stored as a keyed pseudonym. */
  readonly subject: string;
  readonly policySequence: number;
  readonly factRevision: number;
  /** The rest of the OCSF event: `actor`, `http_request`, `policy`, `message` … May hold personal data; never secrets. */
  readonly payload: Readonly<Record<string, unknown>>;
}

/** Where a room tells what happened. Resolves once the event is written (not necessarily synced). */
export type EventSink = (event: JournalEvent) => Promise<void>;
