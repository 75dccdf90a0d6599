import { toBase64url } from '#foundation/encoding';
import type { User } from '#foundation/model';
import { accountActivity, accountEvent, type Client } from '../events.ts';
import { IdentityError } from '../identity-error.ts';
import type { IdentityCore, IdentityTransaction } from '../needs.ts';
import { row } from '../record-kinds.ts';

export const everyone = 'everyone';

/** Groups that exist without anybody making them. */
const builtinGroups: Record<string, { displayName: string; description: string }> = {
  everyone: { displayName: 'Everyone', description: 'Everybody who has enrolled' },
  administrators: { displayName: 'Administrators', description: 'May change everything' },
};

export interface NewUser {
  readonly transaction: IdentityTransaction;
  readonly id: string;
  readonly name: string;
  readonly displayName: string;
  readonly email: string | null;
  readonly groups: readonly string[];
  readonly source: string;
  readonly actor: string;
  readonly client: Client;
}

/**
 * Creates a person: name unique, in `everyone` and the groups given (those that are missing are made), with a journal
 * key so that their events can be sealed and, one day, erased.
 */
export async function createUser(core: IdentityCore, options: NewUser): Promise<User> {
  const { transaction, id } = options;
  await claimName(core, options);
  const groups = [...new Set([everyone, ...options.groups])];
  for (const group of groups) await ensureGroup({ transaction, group });
  const user: User = {
    name: options.name,
    displayName: options.displayName,
    email: options.email,
    status: 'active',
    groups,
    source: options.source,
    createdAt: core.clock(),
  };
  await transaction.put('user', id, user);
  if ((await transaction.fact('journal-key', id)) === undefined) {
    await transaction.put('journal-key', id, { key: toBase64url(core.random(32)) });
  }
  await transaction.event(
    accountEvent(core, {
      user: id,
      userName: options.name,
      actor: options.actor,
      activityId: accountActivity.create,
      message: `created user ${options.name}`,
      client: options.client,
      detail: { account: { name: options.name, type: options.source }, groups },
    }),
  );
  return user;
}

/** Makes a group fact where there is none. */
export async function ensureGroup(options: { transaction: IdentityTransaction; group: string }): Promise<void> {
  const { transaction, group } = options;
  if ((await transaction.fact('group', group)) !== undefined) return;
  const builtin = Object.hasOwn(builtinGroups, group) ? builtinGroups[group] : undefined;
  await transaction.put('group', group, {
    displayName: builtin?.displayName ?? group,
    description: builtin?.description ?? '',
    memberOf: [],
    origin: builtin === undefined ? 'api' : 'builtin',
  });
}

/** One person per name, also when two enrol at once: the row is the lock. A name is free again when its user is gone. */
async function claimName(core: IdentityCore, options: NewUser): Promise<void> {
  const { transaction, name, id } = options;
  const taken = () => new IdentityError('conflict', `there is a user named \`${name}\` already; choose another name`);
  if ([...core.store.facts().all('user')].some(([, user]) => user.name === name)) throw taken();
  const claim = row('login-name', { id: name, owner: id, body: {} });
  if (await transaction.records.insert(claim)) return;
  const holder = await transaction.records.get('login-name', name);
  if (holder?.owner !== null && holder !== undefined) {
    if ((await transaction.fact('user', holder.owner)) !== undefined) throw taken();
  }
  await transaction.records.put(claim);
}
