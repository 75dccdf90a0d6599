import { sha256 } from '#foundation/crypto';
import { toIdentifier } from '#foundation/encoding';
import type { Session } from '#foundation/model';
import { accountActivity, accountEvent, authenticationEvent, type Client, noClient } from '../events.ts';
import { IdentityError } from '../identity-error.ts';
import type { IdentityCore, IdentityTransaction } from '../needs.ts';
import { row } from '../record-kinds.ts';
import { recoverySessionLifetimeMs, sessionsPerUserMax } from '../session-policy.ts';

/** How somebody proved who they are, once. */
export interface Login {
  readonly user: string;
  readonly credential: Session['credential'];
  readonly provider: string;
  readonly phishingResistant: boolean;
  /** Milliseconds since the epoch. */
  readonly authTime: number;
  readonly client: Client;
}

/**
 * Id of the session fact that belongs to the provider's own session. One-way, because the provider's uid opens its
 * session to whoever knows it within the process, and facts travel to gateways.
 */
export function sessionIdOf(providerSessionUid: string): string {
  return toIdentifier(sha256(`nullius-session:${providerSessionUid}`).subarray(0, 16));
}

/**
 * Records a login: a new session, or the same one proven again (step-up). A session that ended never comes back.
 */
export async function establishSession(
  core: IdentityCore,
  options: { transaction: IdentityTransaction; id: string; login: Login },
): Promise<void> {
  const { transaction, id, login } = options;
  const now = core.clock();
  const user = await transaction.fact('user', login.user);
  if (user === undefined || user.status !== 'active') {
    throw new IdentityError('sign-in-refused', 'this account is suspended or gone; ask an administrator');
  }
  const current = await transaction.fact('session', id);
  if (current !== undefined && (current.status !== 'active' || current.user !== login.user)) {
    throw new IdentityError('session-ended', 'this session has ended; sign in again');
  }
  if (current === undefined) await endOldest(core, { transaction, user: login.user });
  const lifetimeMs = login.credential === 'recovery' ? recoverySessionLifetimeMs : core.session.lifetimeMs;
  await transaction.put('session', id, {
    user: login.user,
    credential: login.credential,
    provider: login.provider,
    phishingResistant: login.phishingResistant,
    authTime: login.authTime,
    createdAt: current?.createdAt ?? now,
    idleMs: core.session.idleMs,
    expiresAt: current?.expiresAt ?? now + lifetimeMs,
    bound: current?.bound ?? false,
    status: 'active',
    endedReason: null,
    userAgent: login.client.userAgent.slice(0, 500),
  });
  await transaction.records.put(
    row('session-seen', { id, body: { at: now }, expiresAt: (current?.expiresAt ?? now + lifetimeMs) + 60_000 }),
  );
  await transaction.event(
    authenticationEvent(core, {
      user: login.user,
      success: true,
      message: current === undefined ? 'signed in' : 'proved again who they are',
      protocol:
        login.credential === 'passkey' ? 'FIDO2' : login.credential === 'federated' ? 'OpenID' : 'recovery-code',
      provider: login.provider,
      session: id,
      ...(login.credential === 'recovery' ? { severityId: 4 } : {}),
      client: login.client,
    }),
  );
}

/** Keeps the sessions of a user bounded: the oldest active one gives way. */
async function endOldest(
  core: IdentityCore,
  options: { transaction: IdentityTransaction; user: string },
): Promise<void> {
  const active = core.store
    .facts()
    .sessionsOf(options.user)
    .filter((session) => session.body.status === 'active')
    .sort((a, b) => a.body.createdAt - b.body.createdAt);
  for (const oldest of active.slice(0, Math.max(0, active.length - sessionsPerUserMax + 1))) {
    await endSession(core, {
      transaction: options.transaction,
      id: oldest.id,
      status: 'revoked',
      reason: 'too many sessions of one person',
      actor: 'nullius',
    });
  }
}

export interface EndOptions {
  readonly transaction: IdentityTransaction;
  readonly id: string;
  readonly status: 'revoked' | 'expired';
  readonly reason: string;
  /** Who ended it, as an entity uid. */
  readonly actor: string;
  readonly severityId?: number;
}

/** Ends a session and removes its app cookies. False when it was not active. */
export async function endSession(core: IdentityCore, options: EndOptions): Promise<boolean> {
  const { transaction, id } = options;
  const session = await transaction.fact('session', id);
  if (session === undefined || session.status !== 'active') return false;
  await transaction.put('session', id, {
    ...session,
    status: options.status,
    endedReason: options.reason.slice(0, 500),
  });
  for (const [cookieId, cookie] of core.store.facts().all('app-cookie')) {
    if (cookie.session === id) await transaction.remove('app-cookie', cookieId);
  }
  await transaction.records.remove('session-seen', id);
  await transaction.event(
    options.status === 'expired'
      ? authenticationEvent(core, {
          user: session.user,
          success: true,
          activity: 'logoff',
          message: `session ended: ${options.reason}`,
          protocol: 'OpenID',
          session: id,
          client: noClient,
        })
      : accountEvent(core, {
          user: session.user,
          actor: options.actor,
          activityId: accountActivity.other,
          message: `session revoked: ${options.reason}`,
          detail: { session: { uid: id } },
          ...(options.severityId === undefined ? {} : { severityId: options.severityId }),
        }),
  );
  return true;
}
