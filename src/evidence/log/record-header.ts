import { LogError } from './log-error.ts';

/** What a leaf proves: no personal data, and the hash of the sealed payload. Members in the order of canonical JSON. */
interface HeaderMembers {
  readonly activity_id: number;
  readonly class_uid: number;
  readonly fact_revision: number;
  readonly id: string;
  /** SHA-256 of the sealed payload, base64url. */
  readonly payload_hash: string;
  readonly policy_sequence: number;
  readonly seq: number;
  readonly severity_id: number;
  readonly status_id: number;
  /** Pseudonym of the subject, which names the key of the payload. */
  readonly subject: string;
  readonly time: number;
  readonly writer: string;
}

/** Of a record whose payload is sealed by itself (AES-256-GCM). No longer written. */
export interface OlderHeader extends HeaderMembers {
  readonly v: 1;
}

export interface TaggedHeader extends HeaderMembers {
  readonly v: 2;
  /** HMAC-SHA-256, base64url, of the header's text up to here, under a key derived from the subject's. */
  readonly writer_tag: string;
}

export type RecordHeader = OlderHeader | TaggedHeader;

/** What the caller knows of a header before the record has its place. */
export type HeaderFields = Omit<HeaderMembers, 'payload_hash' | 'seq' | 'subject' | 'writer'>;

const idPattern = /^[A-Za-z0-9_-]{1,64}$/;
const writerPattern = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const integerMembers = [
  'activity_id',
  'class_uid',
  'fact_revision',
  'policy_sequence',
  'seq',
  'severity_id',
  'status_id',
  'time',
] as const;
const textMembers = ['id', 'payload_hash', 'subject'] as const;
/** And `v` and `writer`. */
const memberCount = integerMembers.length + textMembers.length + 2;

/** The last millisecond that a `Date` can say: whoever shows a later one would throw. */
const timeMax = 8_640_000_000_000_000;

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

/** Throws LogError `invalid` unless a header can be made of these fields. */
export function checkHeaderFields(fields: HeaderFields): void {
  if (!idPattern.test(fields.id)) {
    throw new LogError('invalid', `an event id is 1 to 64 characters of base64url, not \`${fields.id}\``);
  }
  const { activity_id, class_uid, fact_revision, policy_sequence, severity_id, status_id, time } = fields;
  if (
    !isCount(activity_id) ||
    !isCount(class_uid) ||
    !isCount(fact_revision) ||
    !isCount(policy_sequence) ||
    !isCount(severity_id) ||
    !isCount(status_id) ||
    !isCount(time) ||
    time > timeMax
  ) {
    throw new LogError('invalid', `event \`${fields.id}\` has a number that is not a non-negative integer`);
  }
}

/** Throws LogError `invalid` unless the name can be a folder and a writer. */
export function checkWriter(writer: string): void {
  if (!writerPattern.test(writer)) {
    throw new LogError(
      'invalid',
      `a journal's writer is lower-case letters, digits and inner hyphens, not \`${writer}\``,
    );
  }
}

/**
 * The header as canonical JSON (RFC 8785) without its end: what its tag is made of. Every text member is from an alphabet that needs
 * no escaping (checked before), so the bytes can be laid down directly; a test compares them with canonicalJson().
 */
export function taggedText(header: HeaderMembers & { readonly v: number }): string {
  return `{"activity_id":${header.activity_id},"class_uid":${header.class_uid},"fact_revision":${header.fact_revision},"id":"${header.id}","payload_hash":"${header.payload_hash}","policy_sequence":${header.policy_sequence},"seq":${header.seq},"severity_id":${header.severity_id},"status_id":${header.status_id},"subject":"${header.subject}","time":${header.time},"v":${header.v},"writer":"${header.writer}"`;
}

/** The end of a header's text, with its tag. */
export const tagEnd = (tag: string): string => `,"writer_tag":"${tag}"}`;

/** Bytes of that end: a tag is 32 bytes, base64url. */
export const tagEndBytes: number = tagEnd('').length + 43;

/** The header as canonical JSON (RFC 8785). */
export function writeHeader(header: RecordHeader): string {
  return taggedText(header) + (header.v === 1 ? '}' : tagEnd(header.writer_tag));
}

/** Reads header bytes from a disk that may have been tampered with. Undefined unless they are exactly what writeHeader() gives. */
export function readHeader(bytes: Uint8Array): RecordHeader | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return isHeader(value) && writeHeader(value) === text ? value : undefined;
}

function isHeader(value: unknown): value is RecordHeader {
  if (typeof value !== 'object' || value === null) return false;
  const members = value as Partial<Record<string, unknown>>;
  return (
    (members['v'] === 2 ? isTagged(members) : members['v'] === 1 && Object.keys(members).length === memberCount) &&
    integerMembers.every((name) => isCount(members[name])) &&
    Number(members['time']) <= timeMax &&
    textMembers.every((name) => typeof members[name] === 'string' && idPattern.test(members[name])) &&
    typeof members['writer'] === 'string' &&
    writerPattern.test(members['writer'])
  );
}

function isTagged(members: Partial<Record<string, unknown>>): boolean {
  const tag = members['writer_tag'];
  return Object.keys(members).length === memberCount + 1 && typeof tag === 'string' && idPattern.test(tag);
}
