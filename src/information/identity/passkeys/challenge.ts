import { sha256Base64url } from '#foundation/crypto';
import { toBase64url } from '#foundation/encoding';
import { IdentityError } from '../identity-error.ts';
import type { IdentityCore, IdentityTransaction } from '../needs.ts';
import { readRow, row } from '../record-kinds.ts';
import { challengeLifetimeMs } from '../session-policy.ts';

/** What a challenge may be used for, and what it is bound to (an interaction, an invitation, a session). */
export interface ChallengeBinding {
  readonly purpose: 'sign-in' | 'enrol' | 'add-passkey';
  readonly boundTo: string;
}

const idOf = (binding: ChallengeBinding) => sha256Base64url(`${binding.purpose}:${binding.boundTo}`);

/**
 * Draws a WebAuthn challenge (32 bytes, section 13.4.3) and remembers it for its binding. A new one replaces the old,
 * so that nobody can pile them up.
 */
export async function createChallenge(
  core: IdentityCore,
  options: { transaction: IdentityTransaction; binding: ChallengeBinding },
): Promise<Uint8Array<ArrayBuffer>> {
  const challenge = new Uint8Array(core.random(32));
  await options.transaction.records.put(
    row('challenge', {
      id: idOf(options.binding),
      body: { challenge: toBase64url(challenge) },
      expiresAt: core.clock() + challengeLifetimeMs,
    }),
  );
  return challenge;
}

/**
 * Takes the challenge of a binding away, in a transaction of its own, so that it is spent even when what follows fails.
 * Throws `expired` when there is none: never drawn, used before, or too old.
 */
export async function spendChallenge(core: IdentityCore, binding: ChallengeBinding): Promise<string> {
  const id = idOf(binding);
  const challenge = await core.store.transact(async ({ records }) => {
    const found = await readRow(records, { kind: 'challenge', id, now: core.clock() });
    return (await records.remove('challenge', id)) ? found?.body.challenge : undefined;
  });
  if (challenge === undefined) {
    throw new IdentityError('expired', 'this attempt was used before or took too long; try again');
  }
  return challenge;
}
