import { isIP } from 'node:net';
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import { identify, operatorUid } from '#decision/administration';
import { sha256Base64url } from '#foundation/crypto';
import type { FactView } from '#foundation/model';
import { issuerOf, originOf, type PublicUrls } from '#shell/wire';
import { holdsAdminToken } from '../admin-token.ts';
import type { Caller } from './caller.ts';
import { problem } from './problem.ts';

/** Whoever may open the admin socket and read its token is the operator of this machine; policy judges them like anybody. */
export const operatorCaller: Caller = {
  asker: { kind: 'operator' },
  uid: operatorUid,
  user: null,
  sessionId: null,
  tokenId: null,
  isOperator: true,
  address: '',
  correlationId: null,
};

/** The operator's caller, when the token of the admin socket is shown. Throws ApiProblem 401. */
export function identifyOperator(headers: Headers, token: string): Caller {
  if (holdsAdminToken(headers.get('authorization'), token)) return operatorCaller;
  throw problem(
    401,
    'unauthenticated',
    'send what `control.token` in the data folder holds as `Authorization: Bearer`; `nullius` itself does',
  );
}

/** Characters of a token or assertion that are looked at. */
const credentialLengthMax = 16_384;
const compactJws = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

export interface CallerNeeds {
  readonly facts: FactView;
  readonly urls: PublicUrls;
  readonly clock: () => number;
  /** The signer's public token keys. */
  readonly tokenKeys: () => JSONWebKeySet;
}

const nobody = () => problem(401, 'unauthenticated', 'sign in, or send an app token as `Authorization: Bearer`');

/**
 * Establishes who calls through the gateway: a session by the assertion that only our signer can have signed, or a token by its
 * hash. Both at once are ambiguous and refused. Throws ApiProblem 401.
 */
export async function identifyCaller(needs: CallerNeeds, headers: Headers): Promise<Caller> {
  const assertion = headers.get('nullius-assertion');
  const authorization = headers.get('authorization');
  if ((assertion === null) === (authorization === null)) throw nobody();
  const sent = {
    address: clientAddress(headers),
    correlationId: headers.get('nullius-decision')?.slice(0, 100) ?? null,
  };
  const asker =
    assertion === null
      ? ({ kind: 'token', tokenId: tokenOf(needs, authorization ?? '') } as const)
      : ({ kind: 'session', sessionId: await sessionOf(needs, assertion) } as const);
  // Whoever the assertion once spoke of: what counts is the session as it stands now.
  const subject = identify(needs.facts, { asker, now: needs.clock() });
  if (subject.uid.type === 'Anonymous') throw nobody();
  return {
    ...sent,
    asker,
    uid: subject.uid,
    user: subject.user === null ? null : { id: subject.uid.id, body: subject.user },
    sessionId: subject.session?.id ?? null,
    tokenId: subject.token?.id ?? null,
    isOperator: false,
  };
}

function tokenOf(needs: CallerNeeds, authorization: string): string {
  const match = /^Bearer ([A-Za-z0-9_-]+)$/i.exec(authorization.slice(0, credentialLengthMax));
  const found = match?.[1] === undefined ? undefined : needs.facts.tokenByHash(sha256Base64url(match[1]));
  if (found === undefined) throw nobody();
  return found.id;
}

async function sessionOf(needs: CallerNeeds, assertion: string): Promise<string> {
  // jose takes white space inside base64url; a credential has one spelling.
  if (assertion.length > credentialLengthMax || !compactJws.test(assertion)) throw nobody();
  try {
    const { payload } = await jwtVerify(assertion, createLocalJWKSet(needs.tokenKeys()), {
      issuer: issuerOf(needs.urls),
      audience: originOf(needs.urls, 'console'),
      typ: 'nullius-assertion+jwt',
      algorithms: ['ES256'],
      requiredClaims: ['exp', 'iat', 'sub', 'sid'],
      currentDate: new Date(needs.clock()),
      clockTolerance: 5,
    });
    const sid = payload['sid'];
    if (typeof sid !== 'string' || needs.facts.get('session', sid)?.user !== payload.sub) throw nobody();
    return sid;
  } catch {
    throw nobody();
  }
}

/** Set by the gateway, which replaces whatever the client sent. */
function clientAddress(headers: Headers): string {
  const address = headers.get('x-forwarded-for') ?? '';
  return isIP(address) === 0 ? '127.0.0.1' : address;
}
