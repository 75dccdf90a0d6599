import { generateKeyPairSync, X509Certificate as NodeCertificate, webcrypto } from 'node:crypto';
import type { Authorization, Client } from 'acme-client';
import { sha256 } from '#foundation/crypto';
import { CaError } from './ca-error.ts';
import { ecdsaP256, library, readCsr } from './csr.ts';
import { parseDnsName } from './dns-name.ts';

export const acmeNamesMax = 100;
const directoryAnswerBytesMax = 1_048_576;
const directoryAnswerMsMax = 30_000;
/** id-pe-acmeIdentifier, RFC 8737 section 6.1. */
const acmeIdentifierOid = '1.3.6.1.5.5.7.1.31';

/** What a gateway must show for a host until the order is done. */
export type AcmeChallenge =
  /** RFC 8737: a TLS server that answers ALPN `acme-tls/1` for this SNI with this certificate. */
  | { readonly type: 'tls-alpn-01'; readonly host: string; readonly certificatePem: string; readonly keyPem: string }
  /** RFC 8555 section 8.3: `GET /.well-known/acme-challenge/<token>` on port 80 answers with this text. */
  | { readonly type: 'http-01'; readonly host: string; readonly token: string; readonly keyAuthorization: string };

export interface AcmeNeeds {
  readonly directoryUrl: string;
  /** Account key, PEM; see `createAcmeAccountKey`. */
  readonly accountKeyPem: string;
  readonly email: string;
  /** In order of preference: what the listeners can answer. */
  readonly challengeTypes: readonly AcmeChallenge['type'][];
  /** An `https.Agent` that trusts a private directory's CA; the system's trust otherwise. */
  readonly httpsAgent?: object | undefined;
  /** What last went wrong on the way to the directory: the library itself does not tell. */
  readonly lastTrouble?: (() => string | undefined) | undefined;
  /** Shows a challenge; resolves once every gateway shows it, to what takes it away. */
  publish(challenge: AcmeChallenge): Promise<() => Promise<void>>;
  /** First pause between looks at a pending order, milliseconds; doubles to ten times as much. */
  readonly pollMs?: number;
}

/** A fresh account key (ECDSA P-256), PEM. Keep it: the account is it. */
export function createAcmeAccountKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
}

/**
 * Orders a certificate for a gateway's key from an ACME directory (RFC 8555): account, order, one challenge a host,
 * finalisation. The directory's answer is checked against the request before it is given. Throws CaError.
 */
export async function orderCertificate(
  request: { readonly csrPem: string; readonly names: readonly string[] },
  needs: AcmeNeeds,
): Promise<{ chainPem: string; notAfter: number }> {
  checkNames(request.names);
  const { spki } = await readCsr(request.csrPem);
  const client = await createClient(needs);
  try {
    await client.createAccount({ termsOfServiceAgreed: true, contact: [`mailto:${needs.email}`] });
    const order = await client.createOrder({ identifiers: request.names.map((value) => ({ type: 'dns', value })) });
    for (const authorization of await client.getAuthorizations(order))
      await authorize(client, { authorization, needs });
    const finalized = await client.finalizeOrder(order, request.csrPem);
    return checkedChain(await client.getCertificate(finalized), { names: request.names, spki });
  } catch (error) {
    if (error instanceof CaError) throw error;
    throw new CaError('acme', `the ACME directory \`${needs.directoryUrl}\` did not issue: ${wordsOf(error, needs)}`);
  }
}

async function createClient(needs: AcmeNeeds): Promise<Client> {
  // Loaded only when ACME is on: it brings an HTTP client of its own.
  const acme = await import('acme-client');
  const http = acme.axios.defaults;
  // The directory is the one configured: no proxy from the environment, no redirect, no endless answer.
  Object.assign(http, {
    proxy: false,
    maxRedirects: 0,
    timeout: directoryAnswerMsMax,
    maxContentLength: directoryAnswerBytesMax,
    acmeSettings: { ...Reflect.get(http, 'acmeSettings'), retryMaxAttempts: 3, retryDefaultDelay: 1 },
    ...(needs.httpsAgent === undefined ? {} : { httpsAgent: needs.httpsAgent }),
  });
  const pollMs = needs.pollMs ?? 1_000;
  return new acme.Client({
    directoryUrl: needs.directoryUrl,
    accountKey: needs.accountKeyPem,
    backoffAttempts: 12,
    backoffMin: pollMs,
    backoffMax: pollMs * 10,
  });
}

async function authorize(
  client: Client,
  { authorization, needs }: { authorization: Authorization; needs: AcmeNeeds },
): Promise<void> {
  if (authorization.status === 'valid') return;
  const host = authorization.identifier.value;
  const type = needs.challengeTypes.find((wanted) =>
    authorization.challenges.some((offered) => offered.type === wanted),
  );
  const challenge = authorization.challenges.find((offered) => offered.type === type);
  if (type === undefined || challenge === undefined)
    throw new CaError('acme', `the directory offers no challenge for \`${host}\` that the listeners can answer`);
  const keyAuthorization = await client.getChallengeKeyAuthorization(challenge);
  const remove = await needs.publish(
    type === 'http-01'
      ? { type, host, token: challenge.token, keyAuthorization }
      : { type, host, ...(await createAlpnCertificate(host, keyAuthorization)) },
  );
  try {
    await client.completeChallenge(challenge);
    await client.waitForValidStatus(challenge);
  } finally {
    await remove();
  }
}

/** The self-signed certificate of RFC 8737 section 3: the host alone, and SHA-256 of the key authorization, critical. */
async function createAlpnCertificate(
  host: string,
  keyAuthorization: string,
): Promise<{ certificatePem: string; keyPem: string }> {
  const x509 = await library();
  const { subtle } = webcrypto;
  const keys = await subtle.generateKey(ecdsaP256, true, ['sign', 'verify']);
  const octets = Buffer.concat([Uint8Array.of(0x04, 0x20), sha256(keyAuthorization)]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    keys,
    signingAlgorithm: ecdsaP256,
    name: [{ CN: ['acme challenge'] }],
    extensions: [
      new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: host }]),
      new x509.Extension(acmeIdentifierOid, true, octets),
    ],
  });
  const pkcs8 = await subtle.exportKey('pkcs8', keys.privateKey);
  return { certificatePem: certificate.toString('pem'), keyPem: x509.PemConverter.encode(pkcs8, 'PRIVATE KEY') };
}

function checkNames(names: readonly string[]): void {
  if (names.length === 0 || names.length > acmeNamesMax)
    throw new CaError('refused', `an order names 1 to ${acmeNamesMax} hosts`);
  for (const name of names)
    if (parseDnsName(name) === undefined || name.startsWith('*.') || !name.includes('.'))
      throw new CaError(
        'refused',
        `\`${name}\` is no public host name; challenges over TLS and HTTP prove single hosts`,
      );
}

/** The chain must be for the gateway's key and its names; anything else the directory sends is refused. */
function checkedChain(
  chainPem: string,
  { names, spki }: { names: readonly string[]; spki: Uint8Array },
): { chainPem: string; notAfter: number } {
  const leaf = new NodeCertificate(chainPem);
  const found = leaf.publicKey.export({ format: 'der', type: 'spki' });
  if (!found.equals(spki)) throw new CaError('invalid', 'the directory issued for another key');
  for (const name of names)
    if (leaf.checkHost(name, { subject: 'never' }) === undefined)
      throw new CaError('invalid', `the directory issued without \`${name}\``);
  return { chainPem, notAfter: leaf.validToDate.getTime() };
}

/** Where no answer came at all the library throws a TypeError of its own. */
function wordsOf(error: unknown, { lastTrouble }: AcmeNeeds): string {
  if (!(error instanceof Error) || error instanceof TypeError)
    return `it does not answer as one (${lastTrouble?.() ?? 'no answer in time'})`;
  return error.message.slice(0, 500);
}
