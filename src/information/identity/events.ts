import { toIdentifier } from '#foundation/encoding';
import { formatUid, type JournalEvent } from '#foundation/model';
import type { IdentityCore } from './needs.ts';

/** OCSF 1.x class uids used here. */
const accountChange = 3001;
const authentication = 3002;

/** OCSF severity. */
export const severity = { informational: 1, low: 2, medium: 3, high: 4, critical: 5 } as const;

/** Activities of class 3001, Account Change. */
export const accountActivity = {
  create: 1,
  disable: 5,
  remove: 6,
  factorAdd: 10,
  factorRemove: 11,
  other: 99,
} as const;

/** Where a request came from, as the gateway saw it. `userAgent` is attacker-controlled and bounded. */
export interface Client {
  readonly address: string;
  readonly userAgent: string;
}

export const noClient: Client = { address: '', userAgent: '' };

interface EventParts {
  readonly classUid: number;
  readonly activityId: number;
  readonly severityId: number;
  readonly statusId: 1 | 2;
  readonly subject: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

function build(core: IdentityCore, parts: EventParts): JournalEvent {
  const facts = core.store.facts();
  return {
    id: toIdentifier(core.random(16)),
    time: core.clock(),
    ...parts,
    policySequence: facts.get('publication', 'current')?.sequence ?? 0,
    factRevision: facts.revision,
  };
}

function endpoints(client: Client): Record<string, unknown> {
  return {
    ...(client.address === '' ? {} : { src_endpoint: { ip: client.address } }),
    ...(client.userAgent === '' ? {} : { http_request: { user_agent: client.userAgent.slice(0, 500) } }),
  };
}

/** A person as their own events name them: sealed under their key like the rest of the payload. */
function person(core: IdentityCore, uid: string, given?: string): { readonly uid: string; readonly name?: string } {
  const name = given ?? core.store.facts().get('user', uid)?.name;
  return name === undefined ? { uid } : { uid, name };
}

export interface SignInEvent {
  readonly user: string | null;
  readonly success: boolean;
  /** Why it failed, or how it succeeded, in words. */
  readonly message: string;
  readonly reason?: string;
  readonly protocol: 'FIDO2' | 'OpenID' | 'recovery-code';
  readonly provider?: string;
  readonly session?: string;
  readonly severityId?: number;
  readonly activity?: 'logon' | 'logoff';
  readonly client: Client;
}

/** OCSF Authentication (3002): somebody signed in or out, or failed to. */
export function authenticationEvent(core: IdentityCore, event: SignInEvent): JournalEvent {
  return build(core, {
    classUid: authentication,
    activityId: event.activity === 'logoff' ? 2 : 1,
    severityId: event.severityId ?? (event.success ? severity.informational : severity.low),
    statusId: event.success ? 1 : 2,
    subject: event.user ?? 'system',
    payload: {
      ...(event.user === null ? {} : { user: person(core, event.user) }),
      auth_protocol: event.protocol,
      message: event.message,
      ...(event.reason === undefined ? {} : { status_detail: event.reason }),
      ...(event.provider === undefined ? {} : { service: { name: event.provider } }),
      ...(event.session === undefined ? {} : { session: { uid: event.session } }),
      ...endpoints(event.client),
    },
  });
}

export interface AccountEvent {
  readonly user: string;
  /** Their login name, where no fact tells it yet. */
  readonly userName?: string | undefined;
  /** Who did it, as an entity uid (`User::"…"`). */
  readonly actor: string;
  readonly activityId: number;
  readonly message: string;
  readonly severityId?: number;
  readonly client?: Client;
  readonly detail?: Readonly<Record<string, unknown>>;
}

/** OCSF Account Change (3001): an account, a credential, a session or a token of it changed. */
export function accountEvent(core: IdentityCore, event: AccountEvent): JournalEvent {
  const user = person(core, event.user, event.userName);
  return build(core, {
    classUid: accountChange,
    activityId: event.activityId,
    severityId: event.severityId ?? severity.informational,
    statusId: 1,
    subject: event.user,
    payload: {
      user,
      // Nobody else's name: it would outlive their erasure under the key of this person.
      actor: {
        user: { ...(event.actor === formatUid({ type: 'User', id: event.user }) ? user : {}), uid: event.actor },
      },
      message: event.message,
      ...(event.detail ?? {}),
      ...endpoints(event.client ?? noClient),
    },
  });
}
