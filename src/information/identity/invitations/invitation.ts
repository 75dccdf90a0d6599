import type { RegistrationResponseJSON } from '@simplewebauthn/server';
import { sha256Base64url } from '#foundation/crypto';
import { toBase64url, toIdentifier } from '#foundation/encoding';
import { loginNameSchema, parseUid, type User } from '#foundation/model';
import { createUser } from '../accounts/user.ts';
import { accountActivity, accountEvent, type Client } from '../events.ts';
import { IdentityError } from '../identity-error.ts';
import type { IdentityCore, IdentityTransaction } from '../needs.ts';
import { registrationOptions, verifyRegistration } from '../passkeys/register.ts';
import { type Row, readAllRows, readRow, row } from '../record-kinds.ts';
import { invitationLifetimeMs, invitationLifetimeMsMax, invitationsMax } from '../session-policy.ts';
import { issuerOrigin } from '../site-urls.ts';

export interface InvitationRequest {
  readonly name?: string;
  readonly displayName?: string;
  readonly email?: string;
  readonly groups: readonly string[];
  readonly admin: boolean;
  readonly lifetimeMs?: number;
}

export interface InvitationView {
  readonly id: string;
  readonly name: string | null;
  readonly displayName: string | null;
  readonly groups: readonly string[];
  readonly admin: boolean;
  readonly createdBy: string;
  readonly createdAt: number;
  readonly expiresAt: number;
}

export const administrators = 'administrators';

/**
 * Makes a one-time link by which a person registers their first passkey. The token stands in the fragment, which
 * browsers send to nobody; only its SHA-256 is kept. `by` is an entity uid.
 */
export async function createInvitation(
  core: IdentityCore,
  options: { request: InvitationRequest; by: string },
): Promise<{ id: string; url: string; expiresAt: number }> {
  const { request, by } = options;
  const lifetimeMs = Math.min(request.lifetimeMs ?? invitationLifetimeMs, invitationLifetimeMsMax);
  const name = request.name;
  if (name !== undefined && !loginNameSchema.safeParse(name).success) {
    throw new IdentityError(
      'invalid-request',
      `\`${name}\` cannot be a login name: use lower-case letters, digits and . _ + @ -`,
    );
  }
  const token = toBase64url(core.random(32));
  const publicId = toIdentifier(core.random(16));
  const user = toIdentifier(core.random(16));
  const now = core.clock();
  const expiresAt = now + lifetimeMs;
  await core.store.transact(async (transaction) => {
    const { records } = transaction;
    if ((await records.count('invitation')) >= invitationsMax) {
      throw new IdentityError('conflict', `there are ${invitationsMax} open invitations; remove some first`);
    }
    if (name !== undefined && [...core.store.facts().all('user')].some(([, existing]) => existing.name === name)) {
      throw new IdentityError('conflict', `there is a user named \`${name}\` already`);
    }
    await records.put(
      row('invitation', {
        id: sha256Base64url(token),
        owner: publicId,
        expiresAt,
        body: {
          publicId,
          name: name ?? null,
          displayName: request.displayName ?? null,
          email: request.email ?? null,
          groups: [...request.groups],
          admin: request.admin,
          createdBy: by,
          createdAt: now,
          user,
        },
      }),
    );
    await transaction.event(
      accountEvent(core, {
        user,
        actor: by,
        activityId: accountActivity.other,
        message: request.admin ? 'invited an administrator' : 'invited a person',
        severityId: request.admin ? 3 : 1,
      }),
    );
  });
  return { id: publicId, url: `${issuerOrigin(core.urls)}/enrol#${token}`, expiresAt };
}

/** Open invitations, without their tokens. */
export async function listInvitations(core: IdentityCore): Promise<InvitationView[]> {
  const rows = await core.store.transact(({ records }) => readAllRows(records, 'invitation'));
  return rows
    .filter((found) => (found.expiresAt ?? 0) > core.clock())
    .map(({ body: { publicId, email: _email, user: _user, ...body }, expiresAt }) => ({
      id: publicId,
      ...body,
      expiresAt: expiresAt ?? 0,
    }));
}

/** Withdraws an invitation. False when there is none by that id. */
export async function removeInvitation(core: IdentityCore, options: { id: string; by: string }): Promise<boolean> {
  return core.store.transact(async (transaction) => {
    const removed = await transaction.records.removeByOwner('invitation', options.id);
    return removed > 0;
  });
}

const spent = () =>
  new IdentityError(
    'expired',
    'this link was used before, was withdrawn, or is older than it may be; ask for a new one',
  );

async function find(
  core: IdentityCore,
  options: { transaction: IdentityTransaction; token: string },
): Promise<Row<'invitation'>> {
  const id = sha256Base64url(options.token);
  const found = await readRow(options.transaction.records, { kind: 'invitation', id, now: core.clock() });
  if (found === undefined) throw spent();
  // The word of somebody who is out themselves lets nobody in.
  const inviter = parseUid(found.body.createdBy);
  const isTheirs = inviter?.type === 'User';
  if (isTheirs && (await options.transaction.fact('user', inviter.id))?.status !== 'active') throw spent();
  return found;
}

/** What the link asks of the person: the fields that are not preset. */
export async function openInvitation(core: IdentityCore, token: string) {
  const { body, expiresAt } = await core.store.transact((transaction) => find(core, { transaction, token }));
  return { name: body.name, displayName: body.displayName, admin: body.admin, expiresAt };
}

/** The person's own words (attacker-controlled until parsed). */
export interface EnrolRequest {
  readonly token: string;
  readonly name: string;
  readonly displayName: string;
}

/** Passkey creation options for the holder of a link. */
export async function enrolOptions(core: IdentityCore, request: EnrolRequest) {
  return core.store.transact(async (transaction) => {
    const { id, body } = await find(core, { transaction, token: request.token });
    const { name, displayName } = chosenNames(body, request);
    if ([...core.store.facts().all('user')].some(([, existing]) => existing.name === name)) {
      throw new IdentityError('conflict', `there is a user named \`${name}\` already; choose another name`);
    }
    return registrationOptions(core, {
      transaction,
      binding: { purpose: 'enrol', boundTo: id },
      owner: { id: body.user, name, displayName },
    });
  });
}

function chosenNames(preset: { name: string | null; displayName: string | null }, request: EnrolRequest) {
  const name = preset.name ?? request.name;
  if (!loginNameSchema.safeParse(name).success) {
    throw new IdentityError(
      'invalid-request',
      `\`${name.slice(0, 100)}\` cannot be a name: use lower-case letters, digits and . _ + @ -`,
    );
  }
  const displayName = (preset.displayName ?? request.displayName).trim().slice(0, 200);
  return { name, displayName: displayName === '' ? name : displayName };
}

/**
 * Finishes the link: verifies the new passkey, then consumes the invitation and creates the person in one transaction.
 * Of two that race, one wins: only one transaction removes the row.
 */
export async function enrol(
  core: IdentityCore,
  options: { request: EnrolRequest; response: RegistrationResponseJSON; client: Client },
): Promise<{ id: string; user: User }> {
  const { request, client } = options;
  const invitation = await core.store.transact((transaction) => find(core, { transaction, token: request.token }));
  const { body } = invitation;
  const passkey = await verifyRegistration(core, {
    binding: { purpose: 'enrol', boundTo: invitation.id },
    owner: body.user,
    name: 'First passkey',
    response: options.response,
  });
  return core.store.transact(async (transaction) => {
    await find(core, { transaction, token: request.token });
    if (!(await transaction.records.remove('invitation', invitation.id))) throw spent();
    const user = await createUser(core, {
      transaction,
      id: body.user,
      ...chosenNames(body, request),
      email: body.email,
      groups: [...body.groups, ...(body.admin ? [administrators] : [])],
      source: 'local',
      actor: body.createdBy,
      client,
    });
    if (!(await transaction.records.insert(passkey))) {
      throw new IdentityError('conflict', 'this passkey is registered already');
    }
    await transaction.event(
      accountEvent(core, {
        user: body.user,
        userName: user.name,
        actor: `User::"${body.user}"`,
        activityId: accountActivity.factorAdd,
        message: 'registered the first passkey by an invitation',
        client,
      }),
    );
    return { id: body.user, user };
  });
}
