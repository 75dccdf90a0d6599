import { hash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { headerOf, sendAnswer } from '#enforcement/gateway';
import { answerGatewayRefusal } from './answers.ts';
import { ControlError } from './control-client.ts';
import type { Asked, Gate } from './gate.ts';
import { appCookieName, cookieValue, flowCookieName } from './identify-asker.ts';
import { appCookie } from './rotate-cookie.ts';

const cookieKnownMsMax = 10_000;
const cookieLookMs = 10;

/** Sends the browser to the provider, with the sealed flow in a cookie of this host. */
export async function beginSignIn(gate: Gate, asked: Asked & { returnTo: string; fresh: boolean }): Promise<void> {
  const { site, returnTo, fresh } = asked;
  await orRefuse(gate, asked, async () => {
    const begun = await inTurn(gate, asked, () => gate.call('sign-in/begin', { resource: site.id, returnTo, fresh }));
    const lifetimeS = Math.floor(begun.flowLifetimeMs / 1000);
    redirect(asked, begun.location, [
      partitionedTwinGone(flowCookieName),
      `${flowCookieName}=${begun.flow}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=${lifetimeS}`,
    ]);
  });
}

/**
 * The provider sent the browser back. Everything in the URL is attacker-controlled; control checks it against the sealed flow
 * that only this browser's cookie holds.
 */
export async function finishSignIn(gate: Gate, asked: Asked): Promise<void> {
  const { request, site, exchange } = asked;
  const flow = cookieValue(request.cookie, flowCookieName);
  if (flow === undefined) {
    const words = 'This sign-in was not begun in this browser, or took too long. Open the app again to sign in.';
    return answerGatewayRefusal(gate, { ...asked, status: 400, words });
  }
  await orRefuse(gate, asked, async () => {
    const finished = await inTurn(gate, asked, () =>
      gate.call('sign-in/finish', {
        resource: site.id,
        callbackUrl: `${gate.urls.scheme}://${authority(asked)}${request.target}`,
        flow,
        userAgent: (headerOf(request, 'user-agent') ?? '').slice(0, 500),
        address: exchange.connection.address,
      }),
    );
    await untilKnown(gate, finished.cookie);
    redirect(asked, finished.returnTo, [
      partitionedTwinGone(appCookieName),
      appCookie(finished.cookie),
      expired(flowCookieName),
    ]);
  });
}

function inTurn<T>(gate: Gate, { exchange }: Asked, call: () => Promise<T>): Promise<T> {
  return gate.signInTurns.take(exchange.connection.address, { call, isWanted: () => !exchange.client.closed });
}

/** A new cookie reaches our facts a moment after control's answer; the browser must not come back before it. */
async function untilKnown(gate: Gate, cookie: string): Promise<void> {
  const valueHash = hash('sha256', cookie, 'base64url');
  for (let waitedMs = 0; waitedMs < cookieKnownMsMax; waitedMs += cookieLookMs) {
    if (gate.facts.appCookieByHash(valueHash) !== undefined) return;
    await sleep(cookieLookMs);
  }
}

/** Ends the session behind this host's cookie everywhere, then lets the provider end its own. */
export async function signOut(gate: Gate, asked: Asked): Promise<void> {
  const { cookie } = asked.identified;
  if (cookie === null) return redirect(asked, '/', []);
  await orRefuse(gate, asked, async () => {
    const { location } = await gate.call('sign-out', { cookieHash: cookie.hash });
    redirect(asked, location, [expired(appCookieName)]);
  });
}

export async function orRefuse(gate: Gate, asked: Asked, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof ControlError)) throw error;
    answerGatewayRefusal(gate, {
      ...asked,
      status: error.code === 'refused' ? error.status : 503,
      words: error.message,
    });
  }
}

export function redirect(
  { exchange, id }: Pick<Asked, 'exchange' | 'id'>,
  location: string,
  setCookies: readonly string[],
): void {
  const headers = [
    'location',
    location,
    'cache-control',
    'no-store',
    'referrer-policy',
    'no-referrer',
    'nullius-decision',
    id,
  ];
  for (const value of setCookies) headers.push('set-cookie', value);
  sendAnswer(exchange.client, { status: 303, headers: [...headers, 'content-length', '0'], body: '' });
}

const expired = (name: string) => `${name}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0`;

/**
 * A script of the app's own host can set a partitioned cookie of our name beside ours (CHIPS), and a name that comes twice counts
 * for nothing: without this the app would ask for a sign-in for ever. It stands before the cookie itself, because a browser
 * that knows no partitions reads it as the end of that one.
 */
const partitionedTwinGone = (name: string) =>
  `${name}=; Path=/; Secure; HttpOnly; SameSite=None; Partitioned; Max-Age=0`;

function authority({ request }: Asked): string {
  return request.port === null ? request.host : `${request.host}:${request.port}`;
}
