import type { PublicKeyCredentialCreationOptionsJSON, RegistrationResponseJSON } from '@simplewebauthn/server';
import { toBase64url } from '#foundation/encoding';
import { IdentityError } from '../identity-error.ts';
import type { IdentityCore, IdentityRecord, IdentityTransaction } from '../needs.ts';
import { readRowsOf, recordSchemas, row } from '../record-kinds.ts';
import { passkeysPerUserMax } from '../session-policy.ts';
import { issuerOrigin, relyingPartyId } from '../site-urls.ts';
import { type ChallengeBinding, createChallenge, spendChallenge } from './challenge.ts';
import { webauthn } from './webauthn.ts';

/** COSE algorithms asked for: ES256, EdDSA, RS256 (Windows Hello). */
const algorithms = [-7, -8, -257];

export interface NewPasskeyOwner {
  readonly id: string;
  readonly name: string;
  readonly displayName: string;
}

/** Options for `navigator.credentials.create()`: discoverable, user verification required, attestation none. */
export async function registrationOptions(
  core: IdentityCore,
  options: { transaction: IdentityTransaction; binding: ChallengeBinding; owner: NewPasskeyOwner },
): Promise<PublicKeyCredentialCreationOptionsJSON> {
  const existing = await readRowsOf(options.transaction.records, { kind: 'passkey', owner: options.owner.id });
  if (existing.length >= passkeysPerUserMax) {
    throw new IdentityError(
      'conflict',
      `you have ${existing.length} passkeys, the most there can be; remove one first`,
    );
  }
  const challenge = await createChallenge(core, options);
  const { generateRegistrationOptions } = await webauthn();
  return generateRegistrationOptions({
    rpName: 'Nullius',
    rpID: relyingPartyId(core.urls),
    userName: options.owner.name,
    userDisplayName: options.owner.displayName,
    userID: new Uint8Array(Buffer.from(options.owner.id, 'utf8')),
    challenge,
    attestationType: 'none',
    supportedAlgorithmIDs: algorithms,
    excludeCredentials: existing.map((passkey) => ({ id: passkey.id, transports: passkey.body.transports })),
    authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification: 'required' },
  });
}

/**
 * Verifies what `create()` returned (attacker-controlled) against the one live challenge of its binding, the exact
 * origin and RP ID (WebAuthn Level 3 section 7.1). Gives the row to store; stores nothing.
 */
export async function verifyRegistration(
  core: IdentityCore,
  options: { binding: ChallengeBinding; owner: string; name: string; response: RegistrationResponseJSON },
): Promise<IdentityRecord> {
  const { verifyRegistrationResponse } = await webauthn();
  const expectedChallenge = await spendChallenge(core, options.binding);
  const verification = await verifyRegistrationResponse({
    response: options.response,
    expectedChallenge,
    expectedOrigin: issuerOrigin(core.urls),
    expectedRPID: relyingPartyId(core.urls),
    requireUserVerification: true,
    supportedAlgorithmIDs: algorithms,
  }).catch((cause: unknown) => {
    throw new IdentityError('sign-in-refused', 'the new passkey could not be verified; try again', { cause });
  });
  if (!verification.verified) {
    throw new IdentityError('sign-in-refused', 'the new passkey could not be verified; try again');
  }
  const { credential, credentialBackedUp, credentialDeviceType, aaguid } = verification.registrationInfo;
  const transports = recordSchemas.passkey.shape.transports.safeParse(credential.transports ?? []);
  return row('passkey', {
    id: credential.id,
    owner: options.owner,
    body: {
      publicKey: toBase64url(credential.publicKey),
      counter: credential.counter,
      transports: transports.success ? transports.data : [],
      backupEligible: credentialDeviceType === 'multiDevice',
      backedUp: credentialBackedUp,
      aaguid,
      name: options.name.slice(0, 100),
      createdAt: core.clock(),
      lastUsedAt: null,
    },
  });
}
