import { sha256Base64url } from '#foundation/crypto';
import { lowerAscii, toIdentifier } from '#foundation/encoding';
import { loginNameSchema, type User } from '#foundation/model';
import { createUser, ensureGroup, everyone } from '../accounts/user.ts';
import { accountActivity, accountEvent, type Client } from '../events.ts';
import { IdentityError } from '../identity-error.ts';
import type { IdentityCore, IdentityTransaction } from '../needs.ts';
import { readRow, row } from '../record-kinds.ts';
import type { ExternalPerson } from './claims.ts';
import type { ExternalProviderConfig } from './external-provider.ts';

export interface ExternalSignIn {
  readonly config: ExternalProviderConfig;
  readonly person: ExternalPerson;
  readonly client: Client;
}

/**
 * The user behind an external person, found by (issuer, subject) and by nothing else: names and e-mail addresses are
 * reused, renamed and claimed. Made at first sign-in; groups follow the provider at every sign-in.
 */
export async function externalUser(core: IdentityCore, signIn: ExternalSignIn): Promise<string> {
  const { config, person } = signIn;
  const linkId = sha256Base64url(JSON.stringify([config.issuer, person.subject]));
  return core.store.transact(async (transaction) => {
    const link = await readRow(transaction.records, { kind: 'federated-link', id: linkId, now: core.clock() });
    const known = link?.owner ?? undefined;
    const user = known === undefined ? undefined : await transaction.fact('user', known);
    if (known !== undefined && user !== undefined) {
      if (user.status !== 'active') {
        throw new IdentityError('sign-in-refused', 'this account is suspended; ask an administrator');
      }
      await follow(core, { transaction, id: known, user, signIn });
      return known;
    }
    if (!config.createUsers) {
      throw new IdentityError('sign-in-refused', 'you have no account here yet; ask an administrator to invite you');
    }
    const id = toIdentifier(core.random(16));
    await createUser(core, {
      transaction,
      id,
      name: nameFor(core, signIn),
      displayName: person.displayName ?? person.preferredName ?? `Somebody from ${config.displayName}`,
      email: person.email,
      groups: person.groups,
      source: config.name,
      actor: `User::"${id}"`,
      client: signIn.client,
    });
    const body = { issuer: config.issuer, subject: person.subject, provider: config.name };
    await transaction.records.put(row('federated-link', { id: linkId, owner: id, body }));
    return id;
  });
}

/** `<their name>@<provider>`: never a name that a local person has or could be given. */
function nameFor(core: IdentityCore, signIn: ExternalSignIn): string {
  const { config, person } = signIn;
  const wanted = `${lowerAscii(person.preferredName ?? '')}@${config.name}`;
  const taken = (name: string) => [...core.store.facts().all('user')].some(([, user]) => user.name === name);
  if (person.preferredName !== null && loginNameSchema.safeParse(wanted).success && !taken(wanted)) return wanted;
  return `u${Buffer.from(core.random(8)).toString('hex')}@${config.name}`;
}

interface Follow {
  readonly transaction: IdentityTransaction;
  readonly id: string;
  readonly user: User;
  readonly signIn: ExternalSignIn;
}

/** Takes over the provider's groups, e-mail and name of today; groups given here by hand stay. */
async function follow(core: IdentityCore, options: Follow): Promise<void> {
  const { transaction, id, user, signIn } = options;
  const { config, person } = signIn;
  const mapped = new Set(Object.values(config.groups));
  const prefix = `${config.name}-`;
  const ownGroups = user.groups.filter((group) => !mapped.has(group) && !group.startsWith(prefix));
  const groups = [...new Set([everyone, ...ownGroups, ...person.groups])];
  for (const group of person.groups) await ensureGroup({ transaction, group });
  const next: User = { ...user, groups, email: person.email, displayName: person.displayName ?? user.displayName };
  if (JSON.stringify(next) === JSON.stringify(user)) return;
  await transaction.put('user', id, next);
  await transaction.event(
    accountEvent(core, {
      user: id,
      actor: `User::"${id}"`,
      activityId: accountActivity.other,
      message: `took over changes from ${config.name}`,
      client: signIn.client,
      detail: { groups },
    }),
  );
}
