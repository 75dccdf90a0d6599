import type { Session } from '#foundation/model';

const lifetimeMs = 3_600_000;

/** A session that might be: of somebody who has just signed in with a passkey here, unless `given` says otherwise. `now`: milliseconds since the epoch. */
export function hypotheticalSession(
  { user, now }: { user: string; now: number },
  given: Partial<Pick<Session, 'credential' | 'provider' | 'phishingResistant' | 'bound' | 'authTime'>> = {},
): Session {
  return {
    user,
    credential: 'passkey',
    provider: 'local',
    phishingResistant: true,
    authTime: now,
    createdAt: now,
    idleMs: lifetimeMs,
    expiresAt: now + lifetimeMs,
    bound: false,
    status: 'active',
    endedReason: null,
    userAgent: '',
    ...given,
  };
}
