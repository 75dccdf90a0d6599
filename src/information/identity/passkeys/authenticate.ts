import type { AuthenticationResponseJSON, PublicKeyCredentialRequestOptionsJSON } from '@simplewebauthn/server';
import { fromBase64url } from '#foundation/encoding';
import { IdentityError } from '../identity-error.ts';
import type { IdentityCore } from '../needs.ts';
import { readRow, row } from '../record-kinds.ts';
import { issuerOrigin, relyingPartyId } from '../site-urls.ts';
import { createChallenge, spendChallenge } from './challenge.ts';
import { webauthn } from './webauthn.ts';

/** Who proved to be there, by which passkey. */
export interface ProvenUser {
  readonly user: string;
  readonly passkey: string;
  readonly backedUp: boolean;
}

/** Options for `navigator.credentials.get()`. No allow list: the passkey says who it belongs to, names are never asked. */
export async function authenticationOptions(
  core: IdentityCore,
  interaction: string,
): Promise<PublicKeyCredentialRequestOptionsJSON> {
  const challenge = await core.store.transact((transaction) =>
    createChallenge(core, { transaction, binding: { purpose: 'sign-in', boundTo: interaction } }),
  );
  const { generateAuthenticationOptions } = await webauthn();
  return generateAuthenticationOptions({
    rpID: relyingPartyId(core.urls),
    challenge,
    userVerification: 'required',
    allowCredentials: [],
  });
}

const refused = (cause?: unknown) =>
  new IdentityError('sign-in-refused', 'this passkey was not accepted; try again, or use another one', { cause });

/**
 * Verifies an assertion (attacker-controlled) for an interaction: its challenge is spent whatever comes out, origin and
 * RP ID are exact, user verification is required, the user handle must name the owner, and a counter that does not
 * grow is refused (WebAuthn Level 3 section 7.2). The new counter is stored under compare-and-set.
 */
export async function verifyAuthentication(
  core: IdentityCore,
  options: { interaction: string; response: AuthenticationResponseJSON },
): Promise<ProvenUser> {
  const { response } = options;
  const { verifyAuthenticationResponse } = await webauthn();
  const expectedChallenge = await spendChallenge(core, { purpose: 'sign-in', boundTo: options.interaction });
  const now = core.clock();
  const passkey = await core.store.transact(({ records }) =>
    readRow(records, { kind: 'passkey', id: response.id, now }),
  );
  if (passkey === undefined || passkey.owner === null) throw refused();
  const handle = response.response.userHandle;
  const owner = handle === undefined ? undefined : fromBase64url(handle);
  if (owner === undefined || Buffer.from(owner).toString('utf8') !== passkey.owner) throw refused();
  const user = core.store.facts().get('user', passkey.owner);
  if (user === undefined || user.status !== 'active') {
    throw new IdentityError('sign-in-refused', 'this account is suspended or gone; ask an administrator');
  }
  const publicKey = fromBase64url(passkey.body.publicKey) ?? new Uint8Array();
  const verification = await verifyAuthenticationResponse({
    response,
    expectedChallenge,
    expectedOrigin: issuerOrigin(core.urls),
    expectedRPID: relyingPartyId(core.urls),
    requireUserVerification: true,
    credential: { id: passkey.id, publicKey: new Uint8Array(publicKey), counter: passkey.body.counter },
  }).catch((cause: unknown) => {
    throw refused(cause);
  });
  if (!verification.verified) throw refused();
  const { newCounter, credentialBackedUp } = verification.authenticationInfo;
  const { id, owner: holder } = passkey;
  await core.store.transact(async ({ records }) => {
    const current = await readRow(records, { kind: 'passkey', id, now });
    // Two assertions by one counter value: one of them came from a clone, or from a replay that raced.
    if (current === undefined || current.body.counter !== passkey.body.counter) throw refused();
    const body = { ...current.body, counter: newCounter, backedUp: credentialBackedUp, lastUsedAt: now };
    await records.put(row('passkey', { id, owner: holder, body }));
  });
  return { user: passkey.owner, passkey: passkey.id, backedUp: credentialBackedUp };
}
