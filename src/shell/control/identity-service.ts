import {
  createInvitation,
  createKeyCaller,
  createToken,
  listInvitations,
  removeInvitation,
  revokeUserSessions,
} from '#information/identity';
import type { LiveFacts, Store } from '../store/index.ts';
import type { IdentityService } from './api/services.ts';
import type { RunningIdentity } from './identity/index.ts';

/** Private rows that belong to a person. */
const personalKinds = ['passkey', 'recovery-codes', 'federated-link', 'login-name'];

/** What the API needs of identity, over its functions. */
export function createIdentityService(
  { core }: RunningIdentity,
  { live, store }: { live: LiveFacts; store: Store },
): IdentityService {
  return {
    createInvitation: (request, by) => createInvitation(core, { request, by }),
    listInvitations: () => listInvitations(core),
    removeInvitation: (id, by) => removeInvitation(core, { id, by }),
    createToken: (request, by) => createToken(core, { ...request, by }),
    createKeyCaller: (request, by) => createKeyCaller(core, { ...request, by }),
    endSessions: (user, options) => revokeUserSessions(core, { user, ...options }),
    canSignIn: async (user) => {
      const found = live.table.get('user', user);
      if (found === undefined) return false;
      if (found.source !== 'local') return true;
      return core.store.transact(async ({ records }) => (await records.byOwner('passkey', user)).length > 0);
    },
    passkeyCounts: async (users) => {
      if (users.length === 0) return new Map();
      const rows = await store.rows
        .selectFrom('identity_record')
        .select((eb) => ['owner', eb.fn.countAll<number | string | bigint>().as('count')])
        .where('kind', '=', 'passkey')
        .where('owner', 'in', users)
        .groupBy('owner')
        .execute();
      return new Map(rows.map(({ owner, count }) => [owner ?? '', Number(count)]));
    },
    forgetUser: async (user) => {
      await core.store.transact(async ({ records }) => {
        for (const kind of personalKinds) await records.removeByOwner(kind, user);
        await records.remove('recovery-codes', user);
      });
    },
  };
}
