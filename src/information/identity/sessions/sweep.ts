import type { IdentityCore } from '../needs.ts';
import { readAllRows, readRows, row } from '../record-kinds.ts';
import { endSession } from './session-facts.ts';

/** Sessions one call of `session/seen` may carry; the gateway batches. */
export const seenSessionsMax = 10_000;
/** Sessions one sweep ends in one transaction; the next sweep goes on. */
const endedPerSweepMax = 500;

/** Notes when sessions were last used, so that idle expiry is honest. Times from the future count as now. */
export async function recordSeen(
  core: IdentityCore,
  sessions: readonly { readonly id: string; readonly at: number }[],
): Promise<void> {
  const now = core.clock();
  const facts = core.store.facts();
  await core.store.transact(async ({ records }) => {
    // The newest of each, should one be named twice.
    const seen = new Map<string, { at: number; expiresAt: number }>();
    for (const { id, at } of sessions.slice(0, seenSessionsMax)) {
      const session = facts.get('session', id);
      if (session?.status !== 'active') continue;
      seen.set(id, { at: Math.max(at, seen.get(id)?.at ?? 0), expiresAt: session.expiresAt + 60_000 });
    }
    const last = new Map<string, number>();
    for (const { id, body } of await readRows(records, { kind: 'session-seen', ids: [...seen.keys()], now }))
      last.set(id, body.at);
    const rows = [...seen].map(([id, { at, expiresAt }]) =>
      row('session-seen', { id, body: { at: Math.min(now, Math.max(at, last.get(id) ?? 0)) }, expiresAt }),
    );
    await records.put(...rows);
  });
}

/** Marks sessions past their idle or absolute time as expired, ends those of suspended users, drops stale rows. */
export async function sweepSessions(core: IdentityCore): Promise<number> {
  const now = core.clock();
  const facts = core.store.facts();
  return core.store.transact(async (transaction) => {
    const rows = await readAllRows(transaction.records, 'session-seen');
    const seenAt = new Map(rows.map((seen) => [seen.id, seen.body.at]));
    let ended = 0;
    for (const [id, session] of facts.all('session')) {
      if (session.status !== 'active' || ended >= endedPerSweepMax) continue;
      const user = facts.get('user', session.user);
      const reason =
        user === undefined || user.status !== 'active'
          ? 'the account was suspended'
          : session.expiresAt <= now
            ? 'its time was over'
            : (seenAt.get(id) ?? session.createdAt) + session.idleMs <= now
              ? 'nobody used it'
              : undefined;
      if (reason === undefined) continue;
      const status = reason === 'the account was suspended' ? 'revoked' : 'expired';
      await endSession(core, { transaction, id, status, reason, actor: 'nullius' });
      ended += 1;
    }
    await transaction.records.removeExpired(now);
    return ended;
  });
}
