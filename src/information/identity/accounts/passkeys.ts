import type { RegistrationResponseJSON } from '@simplewebauthn/server';
import { accountActivity, accountEvent, type Client, severity } from '../events.ts';
import { IdentityError } from '../identity-error.ts';
import type { IdentityCore } from '../needs.ts';
import { registrationOptions, verifyRegistration } from '../passkeys/register.ts';
import { readRow, readRowsOf, row } from '../record-kinds.ts';

export interface PasskeyView {
  readonly id: string;
  readonly name: string;
  readonly createdAt: number;
  readonly lastUsedAt: number | null;
  /** Copied to the person's other devices by their passkey provider. */
  readonly backedUp: boolean;
}

export async function listPasskeys(core: IdentityCore, user: string): Promise<PasskeyView[]> {
  const rows = await core.store.transact(({ records }) => readRowsOf(records, { kind: 'passkey', owner: user }));
  return rows
    .map(({ id, body: { name, createdAt, lastUsedAt, backedUp } }) => ({ id, name, createdAt, lastUsedAt, backedUp }))
    .sort((a, b) => a.createdAt - b.createdAt);
}

/** Whose credentials change, in which session. */
export interface Holder {
  readonly user: string;
  readonly session: string;
  readonly client: Client;
}

/** Creation options for one more passkey, bound to the session that asks. */
export async function addPasskeyOptions(core: IdentityCore, holder: Holder) {
  const user = core.store.facts().get('user', holder.user);
  if (user === undefined) throw new IdentityError('not-found', 'this account is gone');
  if (user.source !== 'local') {
    throw new IdentityError('forbidden', `your account is kept by \`${user.source}\`; manage how you sign in there`);
  }
  return core.store.transact((transaction) =>
    registrationOptions(core, {
      transaction,
      binding: { purpose: 'add-passkey', boundTo: holder.session },
      owner: { id: holder.user, name: user.name, displayName: user.displayName },
    }),
  );
}

export async function addPasskey(
  core: IdentityCore,
  options: { holder: Holder; name: string; response: RegistrationResponseJSON },
): Promise<void> {
  const { holder } = options;
  const passkey = await verifyRegistration(core, {
    binding: { purpose: 'add-passkey', boundTo: holder.session },
    owner: holder.user,
    name: options.name,
    response: options.response,
  });
  await core.store.transact(async (transaction) => {
    const session = await transaction.fact('session', holder.session);
    if (session?.status !== 'active' || session.user !== holder.user) {
      throw new IdentityError('session-ended', 'this session has ended; sign in again');
    }
    if (!(await transaction.records.insert(passkey))) {
      throw new IdentityError('conflict', 'this passkey is registered already');
    }
    await transaction.event(
      accountEvent(core, {
        user: holder.user,
        actor: `User::"${holder.user}"`,
        activityId: accountActivity.factorAdd,
        message: 'added a passkey',
        severityId: session.credential === 'recovery' ? severity.high : severity.low,
        client: holder.client,
      }),
    );
  });
}

export async function renamePasskey(
  core: IdentityCore,
  options: { holder: Holder; id: string; name: string },
): Promise<void> {
  await core.store.transact(async ({ records }) => {
    const found = await readRow(records, { kind: 'passkey', id: options.id, now: core.clock() });
    if (found?.owner !== options.holder.user) throw new IdentityError('not-found', 'there is no such passkey of yours');
    const body = { ...found.body, name: options.name };
    await records.put(row('passkey', { id: options.id, owner: options.holder.user, body }));
  });
}

/** Removes a passkey of the holder, never the last one. */
export async function removePasskey(core: IdentityCore, options: { holder: Holder; id: string }): Promise<void> {
  const { holder } = options;
  await core.store.transact(async (transaction) => {
    const mine = await readRowsOf(transaction.records, { kind: 'passkey', owner: holder.user });
    if (!mine.some((passkey) => passkey.id === options.id)) {
      throw new IdentityError('not-found', 'there is no such passkey of yours');
    }
    if (mine.length === 1) {
      throw new IdentityError('conflict', 'this is your only passkey; add another before you remove it');
    }
    await transaction.records.remove('passkey', options.id);
    await transaction.event(
      accountEvent(core, {
        user: holder.user,
        actor: `User::"${holder.user}"`,
        activityId: accountActivity.factorRemove,
        message: 'removed a passkey',
        severityId: severity.medium,
        client: holder.client,
      }),
    );
  });
}
