import type { JournalEvent } from '#foundation/model';
import { bounded, type EventStamp, ocsfActor, ocsfUser, type PrincipalInput, subjectOf } from './ocsf-objects.ts';

/** A person as an event tells of them. */
export interface PersonInput {
  readonly uid: string;
  readonly name?: string | undefined;
  readonly email?: string | undefined;
}

interface IdentityInput extends EventStamp {
  /** The person it happens to; their key seals the event. Null when a claimed name belongs to nobody we know. */
  readonly user: PersonInput | null;
  readonly outcome: 'success' | 'failure';
  /** Who did it, when not the person. */
  readonly by?: PrincipalInput | undefined;
  readonly address?: string | undefined;
  readonly sessionId?: string | undefined;
  readonly message: string;
}

interface Kind {
  readonly classUid: number;
  readonly activityId: number;
  readonly severityId?: number;
  readonly more?: Record<string, unknown>;
}

/** OCSF asks for a user in these classes: a stranger is one without an id of ours. */
const unknownPerson = { name: 'unknown', type_id: 0 };

function identityEvent(input: IdentityInput, { classUid, activityId, severityId, more }: Kind): JournalEvent {
  const { id, time, policySequence, factRevision, user, outcome } = input;
  const actor = input.by ?? (user === null ? undefined : ({ type: 'User', ...user } satisfies PrincipalInput));
  return {
    id,
    time,
    classUid,
    activityId,
    severityId: severityId ?? (outcome === 'success' ? 1 : 2),
    statusId: outcome === 'success' ? 1 : 2,
    subject: user?.uid ?? (input.by === undefined ? 'stranger' : subjectOf(input.by)),
    policySequence,
    factRevision,
    payload: {
      user: user === null ? unknownPerson : ocsfUser(user),
      ...(actor === undefined ? {} : { actor: ocsfActor(actor) }),
      ...(input.address === undefined ? {} : { src_endpoint: { ip: input.address } }),
      message: bounded(input.message),
      ...more,
    },
  };
}

export interface AuthenticationInput extends IdentityInput {
  readonly activity: 'logon' | 'logoff';
  /** How: `passkey`, `recovery` or the name of an external provider. */
  readonly credential: string;
  readonly phishingResistant: boolean;
  /** Where the person was signed in to; `id` by default. */
  readonly service?: string;
}

/** OCSF Authentication (3002): a sign-in or sign-out, or an attempt. */
export function authentication(input: AuthenticationInput): JournalEvent {
  return identityEvent(input, {
    classUid: 3002,
    activityId: input.activity === 'logon' ? 1 : 2,
    more: {
      auth_protocol_id: 99,
      auth_protocol: input.credential,
      is_mfa: input.phishingResistant,
      is_remote: true,
      service: { name: input.service ?? 'id' },
      ...(input.sessionId === undefined ? {} : { session: { uid: input.sessionId } }),
    },
  });
}

export interface AuthorizeSessionInput extends IdentityInput {
  readonly sessionId: string;
  /** What the session now carries: group ids. */
  readonly groups: readonly string[];
}

/** OCSF Authorize Session (3003, Assign Privileges): a new session, privileged as the groups it carries. */
export function authorizeSession(input: AuthorizeSessionInput): JournalEvent {
  return identityEvent(input, {
    classUid: 3003,
    activityId: 1,
    more: { session: { uid: input.sessionId }, privileges: input.groups },
  });
}

const accountActivities = {
  create: 1,
  enable: 2,
  delete: 6,
  disable: 5,
  lock: 9,
  'credential-added': 10,
  'credential-removed': 11,
  unlock: 12,
  other: 99,
} as const;

export interface AccountChangeInput extends IdentityInput {
  readonly activity: keyof typeof accountActivities;
}

/** OCSF Account Change (3001): an account made, changed, suspended or removed; a credential added or removed. */
export function accountChange(input: AccountChangeInput): JournalEvent {
  const activityId = accountActivities[input.activity];
  const more = activityId === 99 ? { activity_name: 'Update' } : {};
  return identityEvent(input, { classUid: 3001, activityId, more });
}

export interface UserAccessInput extends IdentityInput {
  readonly activity: 'assign' | 'revoke';
  /** The resource, group or role. */
  readonly resource: { readonly type: string; readonly name: string };
  /** What is given or taken, such as `access` or `member`. */
  readonly privileges: readonly string[];
}

/** OCSF User Access Management (3005): a grant or membership given or taken. */
export function userAccess(input: UserAccessInput): JournalEvent {
  return identityEvent(input, {
    classUid: 3005,
    activityId: input.activity === 'assign' ? 1 : 2,
    more: { privileges: input.privileges, resources: [{ name: input.resource.name, type: input.resource.type }] },
  });
}
