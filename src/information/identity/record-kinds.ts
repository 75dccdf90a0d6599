import { z } from 'zod';
import { IdentityError } from './identity-error.ts';
import type { IdentityRecord, IdentityRecords } from './needs.ts';

const transports = z.array(z.enum(['ble', 'cable', 'hybrid', 'internal', 'nfc', 'smart-card', 'usb'])).max(7);

/** Bodies of the private rows, by kind. Parsed on every read: what lies in the store is data, not code. */
export const recordSchemas = {
  /** id: credential id (base64url); owner: user. */
  passkey: z.strictObject({
    publicKey: z.string(),
    counter: z.int().min(0),
    transports,
    backupEligible: z.boolean(),
    backedUp: z.boolean(),
    aaguid: z.string(),
    name: z.string(),
    createdAt: z.int(),
    lastUsedAt: z.int().nullable(),
  }),
  /** id: SHA-256 of the token in the link. */
  invitation: z.strictObject({
    publicId: z.string(),
    name: z.string().nullable(),
    displayName: z.string().nullable(),
    email: z.string().nullable(),
    groups: z.array(z.string()),
    admin: z.boolean(),
    createdBy: z.string(),
    createdAt: z.int(),
    /** User handle and id of the person to be. */
    user: z.string(),
  }),
  /** id: purpose and what it is bound to; one live challenge per binding. */
  challenge: z.strictObject({ challenge: z.string() }),
  /** id: user. */
  'recovery-codes': z.strictObject({ salt: z.string(), hashes: z.array(z.string()), createdAt: z.int() }),
  /** id: SHA-256 of issuer and subject; owner: user. */
  'federated-link': z.strictObject({ issuer: z.string(), subject: z.string(), provider: z.string() }),
  /** id: login name; owner: user. */
  'login-name': z.strictObject({}),
  /** id: session; when it was last used. */
  'session-seen': z.strictObject({ at: z.int() }),
  /** id: SHA-256 of a state that has been used up. */
  'used-state': z.strictObject({}),
} as const;

export type RecordKind = keyof typeof recordSchemas;
export type RecordBody<K extends RecordKind> = z.infer<(typeof recordSchemas)[K]>;

/** A parsed private row. */
export interface Row<K extends RecordKind> {
  readonly id: string;
  readonly owner: string | null;
  readonly body: RecordBody<K>;
  readonly expiresAt: number | null;
}

function parse<K extends RecordKind>(kind: K, record: IdentityRecord): Row<K> {
  const parsed = recordSchemas[kind].safeParse(JSON.parse(record.body));
  if (!parsed.success) throw new IdentityError('unavailable', `a stored ${kind} cannot be read; restore a backup`);
  // The schema is picked by the same key as the type.
  return { id: record.id, owner: record.owner, body: parsed.data as RecordBody<K>, expiresAt: record.expiresAt };
}

/** Reads one row; undefined when absent or past its time. */
export async function readRow<K extends RecordKind>(
  records: IdentityRecords,
  key: { kind: K; id: string; now: number },
): Promise<Row<K> | undefined> {
  const record = await records.get(key.kind, key.id);
  if (record === undefined || (record.expiresAt !== null && record.expiresAt <= key.now)) return undefined;
  return parse(key.kind, record);
}

/** Reads those of these ids that are there and in time. */
export async function readRows<K extends RecordKind>(
  records: IdentityRecords,
  { kind, ids, now }: { kind: K; ids: readonly string[]; now: number },
): Promise<Row<K>[]> {
  const found = await records.some(kind, ids);
  return found.filter(({ expiresAt }) => expiresAt === null || expiresAt > now).map((record) => parse(kind, record));
}

/** Reads the rows of an owner. */
export async function readRowsOf<K extends RecordKind>(
  records: IdentityRecords,
  key: { kind: K; owner: string },
): Promise<Row<K>[]> {
  return (await records.byOwner(key.kind, key.owner)).map((record) => parse(key.kind, record));
}

/** Reads every row of a kind. */
export async function readAllRows<K extends RecordKind>(records: IdentityRecords, kind: K): Promise<Row<K>[]> {
  return (await records.all(kind)).map((record) => parse(kind, record));
}

/** A row ready to write. */
export function row<K extends RecordKind>(
  kind: K,
  parts: { id: string; owner?: string; body: RecordBody<K>; expiresAt?: number },
): IdentityRecord {
  return {
    kind,
    id: parts.id,
    owner: parts.owner ?? null,
    body: JSON.stringify(parts.body),
    expiresAt: parts.expiresAt ?? null,
  };
}
