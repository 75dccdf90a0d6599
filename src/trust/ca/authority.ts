import { X509Certificate as NodeCertificate, webcrypto } from 'node:crypto';
import { CaError } from './ca-error.ts';
import { ecdsaP256, library, readCsr } from './csr.ts';
import { isUnder, parseDnsName } from './dns-name.ts';
import { encodeNameConstraints, nameConstraintsOid } from './name-constraints.ts';

export const certificateLifetimeMsMax = 25 * 3_600_000;
export const caLifetimeMs = 5 * 365 * 86_400_000;
export const certificateNamesMax = 500;
/** Certificates begin a little earlier, for clients whose clock is slow. */
const backdateMs = 300_000;
/** Of what shows itself to our own servers: they look up at every connection whether it still counts. */
export const clientCertificateLifetimeMsMax = 30 * 86_400_000;
const serverAuthentication = '1.3.6.1.5.5.7.3.1';
const clientAuthentication = '1.3.6.1.5.5.7.3.2';

/** The CA's key as PKCS#8 DER and what it may speak for. */
export interface Authority {
  readonly pkcs8: Uint8Array;
  readonly certificatePem: string;
  readonly domains: readonly string[];
}

async function importPair(pkcs8: Uint8Array): Promise<webcrypto.CryptoKeyPair> {
  const { subtle } = webcrypto;
  const privateKey = await subtle.importKey('pkcs8', pkcs8, ecdsaP256, true, ['sign']);
  const { d: _d, key_ops: _ops, ...publicJwk } = await subtle.exportKey('jwk', privateKey);
  const publicKey = await subtle.importKey('jwk', publicJwk, ecdsaP256, true, ['verify']);
  return { privateKey, publicKey };
}

/**
 * Builds the certificate of our own CA over an ECDSA P-256 key (PKCS#8 DER): it may issue server certificates only
 * (pathLen 0) and only for names under `domains` (name constraints, RFC 5280 section 4.2.1.10). Gives PEM.
 */
export async function createAuthorityCertificate(
  pkcs8: Uint8Array,
  options: { readonly domains: readonly string[]; readonly now: number },
): Promise<string> {
  const x509 = await library();
  const keys = await importPair(pkcs8);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: randomSerial(),
    name: [{ CN: [`Nullius CA for ${options.domains[0] ?? ''}`.slice(0, 64)] }],
    notBefore: new Date(options.now - backdateMs),
    notAfter: new Date(options.now + caLifetimeMs),
    signingAlgorithm: ecdsaP256,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      new x509.Extension(nameConstraintsOid, true, encodeNameConstraints(options.domains)),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return checkedPem(certificate.toString('pem'));
}

/** Does the CA's certificate speak for exactly these domains, and longer than a server certificate lives? */
export function isAuthorityCurrent(
  certificatePem: string,
  options: { readonly domains: readonly string[]; readonly now: number },
): boolean {
  const certificate = new NodeCertificate(certificatePem);
  const constraints = Buffer.from(encodeNameConstraints(options.domains));
  return (
    certificate.raw.includes(constraints) &&
    certificate.validToDate.getTime() > options.now + 30 * 86_400_000 &&
    certificate.validFromDate.getTime() <= options.now
  );
}

export interface IssueRequest {
  /** PKCS#10 in PEM, from a gateway: attacker-controlled once a gateway is. Only its public key is used. */
  readonly csrPem: string;
  readonly names: readonly string[];
  readonly lifetimeMs: number;
}

/** Issues a server certificate: names checked, built, signed, then parsed and verified again. Throws CaError. */
export function issueServerCertificate(request: IssueRequest, by: Issuer): Promise<Issued> {
  return issue(request, { ...by, usage: serverAuthentication, lifetimeMsMax: certificateLifetimeMsMax });
}

/** Issues a certificate that a client shows, and that no server can use; otherwise as issueServerCertificate(). */
export function issueClientCertificate(request: IssueRequest, by: Issuer): Promise<Issued> {
  return issue(request, { ...by, usage: clientAuthentication, lifetimeMsMax: clientCertificateLifetimeMsMax });
}

interface Issuer {
  readonly authority: Authority;
  readonly now: number;
}

interface Issued {
  /** The certificate and the CA's. */
  readonly chainPem: string;
  readonly notAfter: number;
}

async function issue(
  request: IssueRequest,
  { authority, now, usage, lifetimeMsMax }: Issuer & { readonly usage: string; readonly lifetimeMsMax: number },
): Promise<Issued> {
  checkRequest(request, { domains: authority.domains, lifetimeMsMax });
  const x509 = await library();
  const { publicKey } = await readCsr(request.csrPem);
  const { privateKey } = await importPair(authority.pkcs8);
  const issuer = new x509.X509Certificate(authority.certificatePem);
  const notAfter = Math.min(now + request.lifetimeMs, issuer.notAfter.getTime());
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: randomSerial(),
    issuer: issuer.subject,
    // Clients read the names from subjectAltName; an empty subject needs no choice among them (RFC 5280 section 4.1.2.6).
    subject: '',
    notBefore: new Date(now - backdateMs),
    notAfter: new Date(notAfter),
    signingAlgorithm: ecdsaP256,
    publicKey,
    signingKey: privateKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([usage]),
      new x509.SubjectAlternativeNameExtension(
        request.names.map((name) => ({ type: 'dns' as const, value: name })),
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  });
  const pem = checkedPem(certificate.toString('pem'));
  validateIssued(pem, { authority, names: request.names, usage });
  return { chainPem: `${pem.trimEnd()}\n${authority.certificatePem.trimEnd()}\n`, notAfter };
}

function checkRequest(
  request: IssueRequest,
  { domains, lifetimeMsMax }: { readonly domains: readonly string[]; readonly lifetimeMsMax: number },
): void {
  const { names, lifetimeMs } = request;
  if (names.length === 0 || names.length > certificateNamesMax)
    throw new CaError('refused', `a certificate names 1 to ${certificateNamesMax} hosts`);
  for (const name of names) {
    if (parseDnsName(name) === undefined) throw new CaError('refused', 'a name is not a DNS name in lower case');
    if (!isUnder(name, domains)) throw new CaError('refused', `\`${name}\` is not under \`${domains.join('`, `')}\``);
    if (name.startsWith('*.') && name.split('.').length < 3)
      throw new CaError('refused', `clients refuse the wildcard \`${name}\`; name each host`);
  }
  if (new Set(names).size !== names.length) throw new CaError('refused', 'a name stands twice');
  if (!Number.isSafeInteger(lifetimeMs) || lifetimeMs <= 0 || lifetimeMs > lifetimeMsMax)
    throw new CaError('refused', `a certificate lives at most ${lifetimeMsMax} ms`);
}

/** Reads the finished certificate with another implementation (OpenSSL) and compares it with what was asked for. */
function validateIssued(
  pem: string,
  { authority, names, usage }: { authority: Authority; names: readonly string[]; usage: string },
): void {
  const certificate = new NodeCertificate(pem);
  const issuer = new NodeCertificate(authority.certificatePem);
  const found = (certificate.subjectAltName ?? '').split(', ');
  const isAsAsked =
    certificate.checkIssued(issuer) &&
    certificate.verify(issuer.publicKey) &&
    !certificate.ca &&
    certificate.keyUsage?.join() === usage &&
    found.length === names.length &&
    names.every((name) => found.includes(`DNS:${name}`));
  if (!isAsAsked) throw new CaError('invalid', 'the certificate just built is not what was asked for');
}

function checkedPem(pem: string): string {
  // Parsing throws for what OpenSSL would not accept.
  return new NodeCertificate(pem).toString();
}

/** 127 random bits, positive and never zero (RFC 5280 section 4.1.2.2). */
function randomSerial(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x01;
  return Buffer.from(bytes).toString('hex');
}
