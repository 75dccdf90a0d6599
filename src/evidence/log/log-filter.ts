import type { Keyring } from './journal-keys.ts';
import type { LogRecord } from './log-record.ts';
import { indexKey, type SegmentIndex } from './segment-index.ts';

/** What to look for; every member given must hold. */
export interface LogFilter {
  /** Milliseconds since the epoch, inclusive. */
  readonly since?: number;
  /** Milliseconds since the epoch, exclusive. */
  readonly until?: number;
  readonly classUids?: readonly number[];
  readonly outcome?: 'success' | 'failure';
  /** A user id: whose events they are, or (outside plain requests) whom they concern. */
  readonly user?: string;
  /** Name of a resource. */
  readonly resource?: string;
  readonly answer?: 'allow' | 'deny' | 'indeterminate';
  /** Decisions that a policy that was not in force would have turned into this one, or into any; `deny` is every refusal. */
  readonly shadow?: 'allow' | 'deny' | 'any';
  /** Decisions during which a policy failed. */
  readonly errors?: 'any';
  /** An event id, which people see as correlation id. */
  readonly id?: string;
  /** Found anywhere in the payload, whatever the case of its letters. */
  readonly text?: string;
  readonly writer?: string;
}

const httpActivity = 4002;
const statusOf = { success: 1, failure: 2 } as const;

/** Judges index entries: false only when the record cannot match. */
export function entryFilter(filter: LogFilter, keys: Keyring): (index: SegmentIndex, entry: number) => boolean {
  const { since = 0, until = Number.MAX_SAFE_INTEGER, classUids, outcome, user } = filter;
  const own = user === undefined ? undefined : keys.own(user);
  const ownKey = own === undefined ? undefined : indexKey(own.pseudonym);
  return (index, entry) => {
    const time = index.time(entry);
    if (time < since || time >= until) return false;
    if (outcome !== undefined && index.statusId(entry) !== statusOf[outcome]) return false;
    if (classUids !== undefined && !classUids.includes(index.classUid(entry))) return false;
    if (user === undefined || index.classUid(entry) !== httpActivity) return true;
    // Requests concern nobody but who makes them: the index alone tells whose they are.
    return ownKey !== undefined && index.hasSubject(entry, ownKey);
  };
}

/** Judges opened records, in full. */
export function recordFilter(filter: LogFilter): (record: LogRecord) => boolean {
  const text = filter.text?.toLowerCase();
  return (record) => {
    const { payload } = record;
    if (filter.id !== undefined && record.id !== filter.id) return false;
    if (filter.classUids !== undefined && !filter.classUids.includes(record.classUid)) return false;
    if (filter.outcome !== undefined && record.statusId !== statusOf[filter.outcome]) return false;
    if (record.time < (filter.since ?? 0) || record.time >= (filter.until ?? Number.MAX_SAFE_INTEGER)) return false;
    if (filter.user !== undefined && record.subject !== filter.user && !concerns(payload, filter.user)) return false;
    if (filter.resource !== undefined && resourceOf(payload) !== filter.resource) return false;
    if (filter.answer !== undefined && answerOf(payload) !== filter.answer) return false;
    if (filter.shadow !== undefined && !hasShadow(payload, filter.shadow)) return false;
    if (filter.errors !== undefined && policyErrorsOf(payload).length === 0) return false;
    if (text === undefined) return true;
    return payload !== null && JSON.stringify(payload).toLowerCase().includes(text);
  };
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Partial<Record<string, unknown>>)[name] : undefined;
}

function concerns(payload: LogRecord['payload'], user: string): boolean {
  return [member(member(payload, 'actor'), 'user'), member(payload, 'user')].some(
    (found) => member(found, 'uid') === user,
  );
}

/** Name of the resource an event is about, wherever its class keeps that. */
export function resourceOf(payload: LogRecord['payload']): string | undefined {
  const first = member(payload, 'resources');
  const names = [
    member(member(payload, 'dst_endpoint'), 'svc_name'),
    member(Array.isArray(first) ? first[0] : undefined, 'name'),
    member(member(payload, 'service'), 'name'),
    member(member(payload, 'entity'), 'name'),
  ];
  return names.find((name): name is string => typeof name === 'string');
}

/** The answer an event tells of: from `action_id` and `disposition_id` as our builders set them. */
export function answerOf(payload: LogRecord['payload']): 'allow' | 'deny' | 'indeterminate' | undefined {
  const action = member(payload, 'action_id');
  if (action === 1) return 'allow';
  if (action !== 2) return undefined;
  return member(payload, 'disposition_id') === 27 ? 'indeterminate' : 'deny';
}

/** What policies that were not in force would have made of what an event tells; every refusal is `deny`. */
export function shadowEffectsOf(payload: LogRecord['payload']): { policy: string; answer: 'allow' | 'deny' }[] {
  const authorizations = member(payload, 'authorizations');
  if (!Array.isArray(authorizations)) return [];
  return authorizations.flatMap((each: unknown) => {
    const policy = member(each, 'policy');
    const uid = member(policy, 'uid');
    if (member(policy, 'is_applied') !== false || typeof uid !== 'string') return [];
    return [{ policy: uid, answer: member(each, 'decision') === 'allow' ? 'allow' : 'deny' } as const];
  });
}

/** Policies that failed while an event was decided, and why; what failed besides has no id. */
export function policyErrorsOf(payload: LogRecord['payload']): { policy: string; message: string }[] {
  const errors = member(member(payload, 'unmapped'), 'errors');
  if (!Array.isArray(errors)) return [];
  return errors.flatMap((each: unknown) => {
    const [policy, message] = [member(each, 'id'), member(each, 'message')];
    return typeof policy === 'string' && policy !== '' && typeof message === 'string' ? [{ policy, message }] : [];
  });
}

function hasShadow(payload: LogRecord['payload'], wanted: 'allow' | 'deny' | 'any'): boolean {
  return shadowEffectsOf(payload).some(({ answer }) => wanted === 'any' || answer === wanted);
}
