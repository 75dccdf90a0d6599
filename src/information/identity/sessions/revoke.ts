import type { IdentityCore } from '../needs.ts';
import { endSession } from './session-facts.ts';

export interface RevokeOptions {
  readonly reason: string;
  /** Who does it, as an entity uid (`User::"…"`). */
  readonly by: string;
}

/** Ends one session everywhere. False when there is no such active session. */
export async function revokeSession(core: IdentityCore, options: RevokeOptions & { id: string }): Promise<boolean> {
  return core.store.transact((transaction) =>
    endSession(core, {
      transaction,
      id: options.id,
      status: 'revoked',
      reason: options.reason,
      actor: options.by,
    }),
  );
}

/** Ends every session of a user, in one transaction; gives how many. */
export async function revokeUserSessions(
  core: IdentityCore,
  options: RevokeOptions & { user: string },
): Promise<number> {
  return core.store.transact(async (transaction) => {
    let ended = 0;
    for (const session of core.store.facts().sessionsOf(options.user)) {
      const done = await endSession(core, {
        transaction,
        id: session.id,
        status: 'revoked',
        reason: options.reason,
        actor: options.by,
      });
      if (done) ended += 1;
    }
    return ended;
  });
}
