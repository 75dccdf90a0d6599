import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { deriveKey, equalSecrets, sha256Base64url } from '#foundation/crypto';
import { toIdentifier } from '#foundation/encoding';
import { type AppCookie, cookieNotUsedYet } from '#foundation/model';
import { IdentityError } from '../identity-error.ts';
import type { IdentityCore, IdentityTransaction } from '../needs.ts';
import { cookieGraceMs, cookiesPerSessionMax } from '../session-policy.ts';
import { endSession } from './session-facts.ts';

/**
 * The value of a cookie at one rotation: 256 bits under a key only control holds. Derived instead of drawn, so that
 * requests that race at a rotation all get the same new value; what is stored is its SHA-256.
 */
function cookieValue(core: IdentityCore, cookie: { id: string; resource: string; rotatedAt: number }): string {
  const text = JSON.stringify([cookie.id, cookie.resource, cookie.rotatedAt]);
  return createHmac('sha256', cookieKeyOf(core.secret)).update(text).digest('base64url');
}

const cookieKeys = new WeakMap<Uint8Array, KeyObject>();

/** Made once, as Node's own object: deriving it, or giving it as bytes, costs more than the cookie. */
function cookieKeyOf(secret: Uint8Array): KeyObject {
  let key = cookieKeys.get(secret);
  if (key === undefined) {
    key = createSecretKey(deriveKey(secret, { info: 'nullius app cookie' }));
    cookieKeys.set(secret, key);
  }
  return key;
}

/** Opens an app host for a session: gives the opaque value for its `__Host-` cookie. */
export async function createAppCookie(
  core: IdentityCore,
  options: { transaction: IdentityTransaction; session: string; resource: string },
): Promise<string> {
  const { transaction, session, resource } = options;
  const siblings = [...core.store.facts().all('app-cookie')].filter(([, cookie]) => cookie.session === session);
  // The same browser signing in to the same app again: the newest cookie is the one it holds.
  const replaced = siblings.filter(([, cookie]) => cookie.resource === resource).map(([id]) => id);
  if (siblings.length - replaced.length >= cookiesPerSessionMax) {
    throw new IdentityError('conflict', 'this session has opened too many apps; sign out and in again');
  }
  for (const id of replaced) await transaction.remove('app-cookie', id);
  const id = toIdentifier(core.random(16));
  const rotatedAt = core.clock();
  const value = cookieValue(core, { id, resource, rotatedAt });
  await transaction.put('app-cookie', id, {
    session,
    resource,
    hash: sha256Base64url(value),
    previousHash: null,
    previousUntil: 0,
    rotatedAt,
  });
  return value;
}

const unknownCookie = () => new IdentityError('session-ended', 'this cookie belongs to no session; sign in');

function findByHash(core: IdentityCore, hash: string): { id: string; body: AppCookie } {
  const live = core.store.facts().appCookieByHash(hash);
  if (live !== undefined) return live;
  for (const [id, body] of core.store.facts().all('app-cookie')) if (body.previousHash === hash) return { id, body };
  throw unknownCookie();
}

/**
 * Rotates an app cookie. The old value stays good until the new one was first used, because the answer that carried it may be
 * lost, and for a grace of 60 s from then on; in all that time asking again gives the same new value. A value that comes
 * back after its grace was copied: the whole session is revoked.
 */
export async function rotateAppCookie(core: IdentityCore, cookieHash: string): Promise<string> {
  const { id } = findByHash(core, cookieHash);
  const outcome = await core.store.transact(async (transaction): Promise<string | 'stolen'> => {
    const cookie = await transaction.fact('app-cookie', id);
    const session = cookie === undefined ? undefined : await transaction.fact('session', cookie.session);
    const now = core.clock();
    if (cookie === undefined || session === undefined || session.status !== 'active' || session.expiresAt <= now) {
      throw unknownCookie();
    }
    if (cookie.previousHash === cookieHash) {
      if (now <= cookie.previousUntil) return currentValue(core, { id, cookie });
      await endSession(core, {
        transaction,
        id: cookie.session,
        status: 'revoked',
        reason: 'a cookie came back after it had been replaced, so somebody has a copy of it',
        actor: 'nullius',
        severityId: 4,
      });
      return 'stolen';
    }
    if (cookie.hash !== cookieHash) throw unknownCookie();
    // Strictly later, so that the new value differs even when the clock stands still.
    const rotatedAt = Math.max(now, cookie.rotatedAt + 1);
    const value = cookieValue(core, { id, resource: cookie.resource, rotatedAt });
    await transaction.put('app-cookie', id, {
      ...cookie,
      hash: sha256Base64url(value),
      previousHash: cookieHash,
      previousUntil: cookieNotUsedYet,
      rotatedAt,
    });
    return value;
  });
  if (outcome === 'stolen') {
    throw new IdentityError('session-ended', 'this session was ended because its cookie was copied; sign in again');
  }
  return outcome;
}

/** The newest value of a cookie was used for the first time: the grace of the one before it begins. */
export async function confirmAppCookie(core: IdentityCore, cookieHash: string): Promise<void> {
  const { id } = findByHash(core, cookieHash);
  await core.store.transact(async (transaction): Promise<void> => {
    const cookie = await transaction.fact('app-cookie', id);
    if (cookie?.hash !== cookieHash || cookie.previousUntil !== cookieNotUsedYet) return;
    await transaction.put('app-cookie', id, { ...cookie, previousUntil: core.clock() + cookieGraceMs });
  });
}

function currentValue(core: IdentityCore, held: { id: string; cookie: AppCookie }): string {
  const { id, cookie } = held;
  const value = cookieValue(core, { id, resource: cookie.resource, rotatedAt: cookie.rotatedAt });
  // Fails only when the key changed (restored from another installation): then nobody can be given the new value.
  if (!equalSecrets(sha256Base64url(value), cookie.hash)) throw unknownCookie();
  return value;
}
