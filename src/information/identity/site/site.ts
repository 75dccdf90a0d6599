import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type Provider from 'oidc-provider';
import { IdentityError } from '../identity-error.ts';
import type { IdentityCore } from '../needs.ts';
import { admitCookies, airlockResponse } from '../provider/cookie-airlock.ts';
import { errorPage, errorPagePolicy } from '../provider/error-page.ts';
import { signInsPerAddress } from '../session-policy.ts';
import { issuerOrigin } from '../site-urls.ts';
import { accountRoutes, accountSignIn, accountView } from './account-routes.ts';
import { addressPrefix } from './address-prefix.ts';
import { enrolBegin, enrolFinish, enrolOpen } from './enrol-routes.ts';
import { type FederationNeeds, federationBegin, federationCallback } from './federation-routes.ts';
import { requireSameOrigin, setSecurityHeaders } from './guards.ts';
import { answerProblem, type Exchange, redirect } from './http.ts';
import { interactionView, passkeyOptions, passkeySignIn } from './interaction-routes.ts';
import { currentSession } from './login.ts';
import { RateLimit } from './rate-limit.ts';

/** A static file of the built pages. */
export interface Asset {
  readonly body: Uint8Array;
  readonly contentType: string;
  readonly immutable: boolean;
}

export interface SiteNeeds extends FederationNeeds {
  readonly core: IdentityCore;
  readonly provider: Provider;
  /** The page of every human address here. */
  readonly page: () => Asset | undefined;
  /** `/assets/…` and the like; undefined: there is no such file. */
  readonly asset: (path: string) => Asset | undefined;
  /** Tells an operator about an error nobody foresaw. */
  readonly onError: (error: unknown) => void;
}

/** The provider of this moment: its keys change while we run. */
type CurrentProvider = () => {
  readonly provider: Provider;
  readonly library: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
};

/** Requests one address may make: bursts of many tabs are fine, floods are not. */
const requestBurst = 600;
const requestRefillMs = 100;
/** Guesses of recovery codes, per account and per address. */
const recoveryBurst = 5;
const recoveryRefillMs = 3 * 60_000;

/** The site at `id.<domain>`: sign-in, enrolment, account page, and the provider's public endpoints. */
export function createSite(
  given: Omit<SiteNeeds, 'provider'> & { readonly provider: CurrentProvider },
): RequestListener {
  const { core, onError } = given;
  const requests = new RateLimit(core.clock, { burst: requestBurst, refillMs: requestRefillMs });
  const authorizations = new RateLimit(core.clock, signInsPerAddress);
  const recoveryGuesses = new RateLimit(core.clock, { burst: recoveryBurst, refillMs: recoveryRefillMs });

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { provider, library } = given.provider();
    const needs: SiteNeeds = { ...given, provider };
    const inner = { ...needs, recoveryGuesses };
    setSecurityHeaders(response, core.urls.scheme);
    const exchange = openExchange(core, { request, response });
    const from = addressPrefix(exchange.address);
    if (!requests.take(from)) {
      throw new IdentityError('rate-limited', 'too many requests from your address; wait a minute');
    }
    if (request.method === 'POST') {
      requireSameOrigin(request, issuerOrigin(core.urls));
      const route = postRoute(exchange.segments);
      if (route === undefined) throw new IdentityError('not-found', 'there is no such address here');
      return route(inner, exchange);
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      throw new IdentityError('invalid-request', 'this method is not used here');
    }
    const [first, second, third] = exchange.segments;
    if (first === 'auth' && exchange.segments.length <= 2) {
      if (!authorizations.take(from)) {
        throw new IdentityError('rate-limited', 'too many sign-ins from your address; wait a minute');
      }
      return authorize(needs, { exchange, library });
    }
    if (exchange.url.pathname === '/jwks' || exchange.url.pathname === '/.well-known/openid-configuration') {
      return library(request, response);
    }
    if (first === 'interaction' && second !== undefined && third === 'view') return interactionView(needs, exchange);
    if (first === 'federation' && third === 'callback' && exchange.segments.length === 3) {
      return federationCallback(needs, exchange);
    }
    if (exchange.url.pathname === '/account/view') return accountView(inner, exchange);
    if (exchange.url.pathname === '/account/sign-in') return accountSignIn(inner, exchange);
    if (exchange.url.pathname === '/account/callback') {
      redirect(exchange, '/account');
      return;
    }
    return answerStatic(needs, exchange);
  }

  return (request, response) => {
    handle(request, response).catch((error: unknown) => {
      if (!(error instanceof IdentityError)) onError(error);
      if (response.headersSent) response.destroy();
      else answerRefusal(request, { response, error: error instanceof IdentityError ? error : unforeseen() });
    });
  };
}

/** A person who navigated gets a page, a program a problem document. */
function answerRefusal(request: IncomingMessage, options: { response: ServerResponse; error: IdentityError }): void {
  const { response, error } = options;
  if (request.method !== 'GET' || !(request.headers.accept ?? '').includes('text/html')) {
    answerProblem(response, error);
    return;
  }
  const body = errorPage(error.message);
  response.writeHead(error.status, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': errorPagePolicy,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
  });
  response.end(body);
}

const unforeseen = () =>
  new IdentityError('unavailable', 'something went wrong here; try again, then tell an administrator');

type Route = (needs: SiteNeeds & { recoveryGuesses: RateLimit }, exchange: Exchange) => Promise<void>;

function postRoute(segments: readonly string[]): Route | undefined {
  const [first, second, third, fourth, ...rest] = segments;
  if (rest.length > 0) return undefined;
  const path = segments.join('/');
  if (Object.hasOwn(accountRoutes, path)) return accountRoutes[path];
  if (first === 'interaction' && second !== undefined && third === 'passkey') {
    return fourth === 'options' ? passkeyOptions : fourth === undefined ? passkeySignIn : undefined;
  }
  if (first === 'interaction' && third === 'federation' && fourth !== undefined) return federationBegin;
  if (first === 'enrol' && third === undefined) {
    if (second === 'open') return enrolOpen;
    if (second === 'options') return enrolBegin;
    if (second === 'passkey') return enrolFinish;
  }
  return undefined;
}

function openExchange(core: IdentityCore, options: { request: IncomingMessage; response: ServerResponse }): Exchange {
  const { request, response } = options;
  const origin = issuerOrigin(core.urls);
  // The gateway sets this header and drops what a client sent; only the gateway reaches this socket.
  const forwarded = request.headers['x-forwarded-for'];
  const address = typeof forwarded === 'string' ? forwarded.slice(0, 64) : '';
  const target = request.url ?? '/';
  if (!target.startsWith('/') || !URL.canParse(target, origin)) {
    throw new IdentityError('invalid-request', 'this address cannot be read');
  }
  const url = new URL(target, origin);
  if (url.origin !== origin) throw new IdentityError('invalid-request', 'this address cannot be read');
  asCanonicalHost(core, request);
  const cookies = admitCookies(request, url.pathname);
  airlockResponse(response, cookies);
  const segments = url.pathname.split('/').slice(1);
  return { request, response, url, segments, cookies, address, userAgent: request.headers['user-agent'] ?? '' };
}

/** The library builds URLs from these: they say what our configuration says, never what a client claims. */
export function asCanonicalHost(core: IdentityCore, request: IncomingMessage): void {
  for (const name of Object.keys(request.headers)) {
    if (name.startsWith('x-forwarded-') || name === 'forwarded') delete request.headers[name];
  }
  request.headers.host = new URL(issuerOrigin(core.urls)).host;
  request.headers['x-forwarded-proto'] = core.urls.scheme;
}

/** The authorization endpoint. A session that ended is dropped first; a recovery session only leads to the account page. */
async function authorize(
  needs: SiteNeeds,
  options: { exchange: Exchange; library: (request: IncomingMessage, response: ServerResponse) => Promise<void> },
): Promise<void> {
  const { exchange, library } = options;
  const session = await currentSession(needs.core, { provider: needs.provider, ...exchange });
  if (session?.fact.credential === 'recovery') return redirect(exchange, '/account');
  return library(exchange.request, exchange.response);
}

const pages = new Set(['interaction', 'enrol', 'account', 'signed-out']);

function answerStatic(needs: SiteNeeds, exchange: Exchange): void {
  const { url, segments } = exchange;
  if (url.pathname === '/') {
    redirect(exchange, '/account');
    return;
  }
  const asset = pages.has(segments[0] ?? '') ? needs.page() : needs.asset(url.pathname);
  if (asset === undefined) throw new IdentityError('not-found', 'there is no such page here');
  exchange.response.writeHead(200, {
    'content-type': asset.contentType,
    'content-length': asset.body.length,
    'cache-control': asset.immutable ? 'public, max-age=31536000, immutable' : 'no-cache',
  });
  exchange.response.end(exchange.request.method === 'HEAD' ? undefined : asset.body);
}
