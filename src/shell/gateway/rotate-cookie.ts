import { isNavigation } from '#enforcement/gateway';
import type { Identified } from './bearer.ts';
import { ControlError } from './control-client.ts';
import type { Asked, Gate } from './gate.ts';
import { appCookieName } from './identify-asker.ts';

/** An app cookie older than this is replaced at the next page load. */
export const cookieRotationMs = 15 * 60_000;

const inFlight = new Set<string>();

/**
 * A `Set-Cookie` value with a fresh app cookie when it is due, else null. Only page loads rotate, one at a time for each
 * cookie, so that parallel requests keep working on the old value. A failed rotation is tried again at the next page load, and so
 * is one whose answer seems lost, because the browser still shows the old value and nobody the new: it is given again.
 */
export function rotatedCookie(gate: Gate, { identified, request, now }: Asked): null | Promise<string | null> {
  const { cookie } = identified;
  if (cookie === null) return null;
  const isDue = cookie.isCurrent ? now - cookie.rotatedAt >= cookieRotationMs : cookie.isNewestUnused;
  if (!isDue) return null;
  if (!isNavigation(request) || inFlight.has(cookie.id)) return null;
  return rotate(gate, cookie);
}

async function rotate(gate: Gate, cookie: NonNullable<Asked['identified']['cookie']>): Promise<string | null> {
  inFlight.add(cookie.id);
  try {
    const { cookie: value } = await gate.call('cookie/rotate', { cookieHash: cookie.hash });
    return appCookie(value);
  } catch {
    return null;
  } finally {
    inFlight.delete(cookie.id);
  }
}

/** Tells control of the first use of a new value, from which on the old one has its grace. The request does not wait. */
export async function confirmCookie(gate: Pick<Gate, 'call' | 'onFault'>, { cookie }: Identified): Promise<void> {
  if (cookie === null || !cookie.isCurrent || !cookie.isNewestUnused || inFlight.has(cookie.hash)) return;
  inFlight.add(cookie.hash);
  try {
    await gate.call('cookie/confirm', { cookieHash: cookie.hash });
  } catch (error) {
    // Tried again with the next request; until then the old value is good as well.
    if (!(error instanceof ControlError)) gate.onFault(error, '');
  } finally {
    inFlight.delete(cookie.hash);
  }
}

/**
 * A value came back after it had been replaced and its grace was over: control looks again and ends the session, because
 * either the person or a thief holds a copy. The answer to the request does not wait; it is a stranger's either way.
 */
export async function reportCopiedCookie(gate: Pick<Gate, 'call' | 'onFault'>, cookieHash: string): Promise<void> {
  if (inFlight.has(cookieHash)) return;
  inFlight.add(cookieHash);
  try {
    await gate.call('cookie/rotate', { cookieHash });
  } catch (error) {
    // Control says no to a copied cookie; only silence is a fault.
    if (!(error instanceof ControlError) || error.code !== 'refused') gate.onFault(error, '');
  } finally {
    inFlight.delete(cookieHash);
  }
}

/** RFC 6265bis: host-only, secure, not for scripts, not on cross-site requests other than navigations. */
export function appCookie(value: string): string {
  return `${appCookieName}=${value}; Path=/; Secure; HttpOnly; SameSite=Lax`;
}
