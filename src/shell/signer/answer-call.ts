import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { sealKeyBytes } from '#foundation/crypto';
import { toBase64url } from '#foundation/encoding';
import { nameSchema } from '#foundation/model';
import {
  assertionsPerCallMax,
  controlPeerName,
  gatewayPeerName,
  type HeldKeyStatement,
  issuerOf,
  type PublicUrls,
  peerDomain,
  type SignerCalls,
} from '#shell/wire';
import {
  certificateLifetimeMsMax,
  certificateNamesMax,
  clientCertificateLifetimeMsMax,
  createAuthorityCertificate,
  csrLengthMax,
  isAuthorityCurrent,
  issueClientCertificate,
  issueServerCertificate,
} from '#trust/ca';
import type { Keyring } from '#trust/keys';
import { purposeLengthMax } from '#trust/keys';
import {
  SigningError,
  type SigningKey,
  signAssertion,
  signingInputLengthMax,
  signStatement,
  signToken,
  type TokenNeeds,
  tokenLifetimeSMax,
} from '#trust/signing';
import { type HeldKey, type KeyPurpose, type KeyStore, keyAlgorithms } from './key-store.ts';

/** Old token keys stay in the JWK set at least this long: longer than any token they signed lives. */
const tokenKeyOverlapMsMin = tokenLifetimeSMax * 1000;
const tokenKeyOverlapMsMax = 30 * 24 * 3_600_000;
const tokenKeyLeadMsMax = 7 * 24 * 3_600_000;
/** Control learns of a change of keys within this time; so long may the old one still be asked to sign. */
const tokenKeyHandoverMs = 120_000;

export interface CallNeeds {
  readonly store: KeyStore;
  /** Wraps data keys for control; never the signer's own keys. */
  readonly dataKeys: Keyring;
  readonly urls: PublicUrls;
  readonly clock: () => number;
}

const keyPurposes = ['token', 'statement', 'ca', 'peer-ca'] as const;
const empty = z.strictObject({});
const wrapped = z.strictObject({ purpose: z.string().min(1).max(purposeLengthMax), wrapped: z.string().max(8_192) });

/** What each call may carry. Requests come from control and are not trusted further than that. */
export const callSchemas = {
  keys: empty,
  'rotate-token-key': z.strictObject({
    leadMs: z.int().min(0).max(tokenKeyLeadMsMax),
    overlapMs: z.int().min(tokenKeyOverlapMsMin).max(tokenKeyOverlapMsMax),
    leaked: z.boolean(),
  }),
  'sign-token': z.strictObject({ signingInput: z.string().max(signingInputLengthMax), keyId: z.string().max(100) }),
  'sign-assertions': z.strictObject({ claims: z.array(z.record(z.string(), z.unknown())).max(assertionsPerCallMax) }),
  'sign-statement': z.strictObject({
    purpose: z.enum(['snapshot', 'publication', 'checkpoint']),
    statement: z.record(z.string(), z.unknown()),
  }),
  'issue-certificate': z.strictObject({
    csrPem: z.string().max(csrLengthMax),
    names: z.array(z.string().max(253)).min(1).max(certificateNamesMax),
    lifetimeMs: z.int().positive().max(certificateLifetimeMsMax),
  }),
  'issue-peer-certificate': z.strictObject({
    csrPem: z.string().max(csrLengthMax),
    role: z.enum(['control', 'gateway']),
    name: nameSchema,
  }),
  'data-key/create': z.strictObject({ purpose: z.string().min(1).max(purposeLengthMax) }),
  'data-key/unwrap': wrapped,
  'data-key/rewrap': wrapped,
} as const satisfies Record<keyof SignerCalls, z.ZodType>;

type Request<N extends keyof SignerCalls> = z.infer<(typeof callSchemas)[N]>;
type Answers = {
  [N in keyof SignerCalls]: (request: Request<N>) => SignerCalls[N]['answer'] | Promise<SignerCalls[N]['answer']>;
};

/** One function per call. Refusals are thrown as SigningError, KeysError or CaError. */
export function createAnswers(needs: CallNeeds): Answers {
  const { store, dataKeys, urls, clock } = needs;
  const tokenNeeds = () => ({
    keys: signingKeys(store.keys('token', clock()), clock()),
    issuer: issuerOf(urls),
    now: clock(),
  });
  const jwks = (held: readonly HeldKey[]) => held.map(({ key }) => ({ ...key.publicJwk }));
  const publicKeys = () => {
    const now = clock();
    const token = store.keys('token', now);
    const current = signing(token, now);
    return {
      token: jwks([current, ...token.filter((held) => held !== current)]),
      statement: jwks(store.keys('statement', now)),
      caPem: newest(store.keys('ca', now)).certificatePem ?? '',
      peerCaPem: newest(store.keys('peer-ca', now)).certificatePem ?? '',
      held: keyPurposes.flatMap((purpose) => describeKeys(purpose, { held: store.keys(purpose, now), now })),
    };
  };
  return {
    keys: publicKeys,
    'rotate-token-key': async ({ leadMs, overlapMs, leaked }) => {
      const now = clock();
      const announced = store.keys('token', now).find((held) => held.signsFrom > now);
      if (announced !== undefined && !leaked) {
        const at = new Date(announced.signsFrom).toISOString();
        throw new SigningError(
          'refused',
          `\`${announced.key.keyId}\` is announced already and signs from ${at}; wait for it`,
        );
      }
      await store.add('token', { now, overlapMs, leadMs: leaked ? 0 : leadMs, isAlone: leaked });
      return publicKeys();
    },
    'sign-token': (request) => ({ signature: signToken(request, tokenNeeds()) }),
    'sign-assertions': ({ claims }) => {
      const needs = tokenNeeds();
      return { signed: claims.map((each) => signedOrRefused(each, needs)) };
    },
    'sign-statement': (request) => ({
      jws: signStatement(request, newest(store.keys('statement', clock())).key),
    }),
    'issue-certificate': (request) => {
      const { key, certificatePem = '' } = newest(store.keys('ca', clock()));
      const authority = { pkcs8: key.exportPrivate(), certificatePem, domains: domainsOf(urls) };
      return issueServerCertificate(request, { authority, now: clock() });
    },
    'issue-peer-certificate': ({ csrPem, role, name }) => {
      const { key, certificatePem = '' } = newest(store.keys('peer-ca', clock()));
      const authority = { pkcs8: key.exportPrivate(), certificatePem, domains: [peerDomain] };
      return role === 'control'
        ? issueServerCertificate(
            { csrPem, names: [controlPeerName], lifetimeMs: certificateLifetimeMsMax },
            { authority, now: clock() },
          )
        : issueClientCertificate(
            { csrPem, names: [gatewayPeerName(name)], lifetimeMs: clientCertificateLifetimeMsMax },
            { authority, now: clock() },
          );
    },
    'data-key/create': ({ purpose }) => {
      const key = randomBytes(sealKeyBytes);
      return { key: toBase64url(key), wrapped: dataKeys.wrap(key, purpose) };
    },
    'data-key/unwrap': (request) => ({ key: toBase64url(dataKeys.unwrap(request.wrapped, request.purpose)) }),
    'data-key/rewrap': (request) => ({ wrapped: dataKeys.rewrap(request.wrapped, request.purpose) }),
  };
}

/** What is wrong with one is no reason to refuse the others. */
function signedOrRefused(claims: unknown, needs: TokenNeeds): { jwt: string } | { refused: string } {
  try {
    return { jwt: signAssertion(claims, needs) };
  } catch (error) {
    if (error instanceof SigningError) return { refused: error.message };
    throw error;
  }
}

/** Makes the keys that a first start lacks, and a new CA when the domains changed or its certificate grows old. */
export async function ensureKeys({
  store,
  urls,
  clock,
}: Omit<CallNeeds, 'dataKeys'>): Promise<{ isNewAuthority: boolean }> {
  const now = clock();
  for (const purpose of ['token', 'statement'] as const)
    if (store.keys(purpose, now).length === 0) await store.add(purpose, { now, overlapMs: 0 });
  const peerCa = store.keys('peer-ca', now).at(-1)?.certificatePem;
  if (peerCa === undefined || !isAuthorityCurrent(peerCa, { domains: [peerDomain], now })) {
    const certify = (key: SigningKey) =>
      createAuthorityCertificate(key.exportPrivate(), { domains: [peerDomain], now });
    await store.add('peer-ca', { now, overlapMs: 0, certify });
  }
  const domains = domainsOf(urls);
  const current = store.keys('ca', now).at(-1);
  if (current?.certificatePem !== undefined && isAuthorityCurrent(current.certificatePem, { domains, now }))
    return { isNewAuthority: false };
  await store.add('ca', {
    now,
    overlapMs: 0,
    certify: (key) => createAuthorityCertificate(key.exportPrivate(), { domains, now }),
  });
  return { isNewAuthority: current !== undefined };
}

function domainsOf(urls: PublicUrls): readonly string[] {
  return [...new Set([urls.domain, urls.appsDomain])];
}

/** The newest that may sign already. */
function signing(keys: readonly HeldKey[], now: number): HeldKey {
  return newest(keys.filter((held) => held.signsFrom <= now));
}

/** What may sign now, the newest last: the one before it only until whoever asks for it by name has heard of the change. */
function signingKeys(keys: readonly HeldKey[], now: number): SigningKey[] {
  const begun = keys.filter((held) => held.signsFrom <= now);
  const current = newest(begun);
  const isHandover = now - current.signsFrom < tokenKeyHandoverMs;
  return (isHandover ? begun.slice(-2) : [current]).map(({ key }) => key);
}

function describeKeys(
  purpose: KeyPurpose,
  { held, now }: { held: readonly HeldKey[]; now: number },
): HeldKeyStatement[] {
  const current = signing(held, now);
  return held.map((each) => ({
    purpose,
    keyId: each.key.keyId,
    algorithm: keyAlgorithms[purpose],
    createdAt: each.createdAt,
    state: each === current ? 'signing' : each.signsFrom > now ? 'announced' : 'retiring',
    signsFrom: each.signsFrom,
    shownUntil: each.shownUntil,
  }));
}

function newest(keys: readonly HeldKey[]): HeldKey {
  const key = keys.at(-1);
  if (key === undefined) throw new Error('the signer holds no key for this; ensureKeys comes first');
  return key;
}
