import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { sealKeyBytes } from '#foundation/crypto';
import { toBase64url } from '#foundation/encoding';
import { issuerOf, type PublicUrls, type SignerCalls } from '#shell/wire';
import {
  certificateLifetimeMsMax,
  certificateNamesMax,
  createAuthorityCertificate,
  csrLengthMax,
  isAuthorityCurrent,
  issueServerCertificate,
} from '#trust/ca';
import type { Keyring } from '#trust/keys';
import { purposeLengthMax } from '#trust/keys';
import { signAssertion, signingInputLengthMax, signStatement, signToken } from '#trust/signing';
import type { HeldKey, KeyStore } from './key-store.ts';

/** Old token keys stay in the JWK set this long: longer than any token they signed lives. */
export const tokenKeyOverlapMs = 24 * 3_600_000;

export interface CallNeeds {
  readonly store: KeyStore;
  /** Wraps data keys for control; never the signer's own keys. */
  readonly dataKeys: Keyring;
  readonly urls: PublicUrls;
  readonly clock: () => number;
}

const empty = z.strictObject({});
const wrapped = z.strictObject({ purpose: z.string().min(1).max(purposeLengthMax), wrapped: z.string().max(8_192) });

/** What each call may carry. Requests come from control and are not trusted further than that. */
export const callSchemas = {
  keys: empty,
  'rotate-token-key': empty,
  'sign-token': z.strictObject({ signingInput: z.string().max(signingInputLengthMax), keyId: z.string().max(100) }),
  'sign-assertion': z.strictObject({ claims: z.record(z.string(), z.unknown()) }),
  'sign-statement': z.strictObject({
    purpose: z.enum(['snapshot', 'publication', 'checkpoint']),
    statement: z.record(z.string(), z.unknown()),
  }),
  'issue-certificate': z.strictObject({
    csrPem: z.string().max(csrLengthMax),
    names: z.array(z.string().max(253)).min(1).max(certificateNamesMax),
    lifetimeMs: z.int().positive().max(certificateLifetimeMsMax),
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
    keys: store.keys('token', clock()).map((held) => held.key),
    issuer: issuerOf(urls),
    now: clock(),
  });
  const jwks = (held: readonly HeldKey[]) => held.map(({ key }) => ({ ...key.publicJwk }));
  const publicKeys = () => {
    const now = clock();
    return {
      token: jwks(store.keys('token', now)),
      statement: jwks(store.keys('statement', now)),
      caPem: newest(store.keys('ca', now)).certificatePem ?? '',
    };
  };
  return {
    keys: publicKeys,
    'rotate-token-key': async () => {
      await store.add('token', { now: clock(), overlapMs: tokenKeyOverlapMs });
      return publicKeys();
    },
    'sign-token': (request) => ({ signature: signToken(request, tokenNeeds()) }),
    'sign-assertion': ({ claims }) => ({ jwt: signAssertion(claims, tokenNeeds()) }),
    'sign-statement': (request) => ({
      jws: signStatement(request, newest(store.keys('statement', clock())).key),
    }),
    'issue-certificate': (request) => {
      const { key, certificatePem = '' } = newest(store.keys('ca', clock()));
      const authority = { pkcs8: key.exportPrivate(), certificatePem, domains: domainsOf(urls) };
      return issueServerCertificate(request, { authority, now: clock() });
    },
    'data-key/create': ({ purpose }) => {
      const key = randomBytes(sealKeyBytes);
      return { key: toBase64url(key), wrapped: dataKeys.wrap(key, purpose) };
    },
    'data-key/unwrap': (request) => ({ key: toBase64url(dataKeys.unwrap(request.wrapped, request.purpose)) }),
    'data-key/rewrap': (request) => ({ wrapped: dataKeys.rewrap(request.wrapped, request.purpose) }),
  };
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

function newest(keys: readonly HeldKey[]): HeldKey {
  const key = keys.at(-1);
  if (key === undefined) throw new Error('the signer holds no key for this; ensureKeys comes first');
  return key;
}
