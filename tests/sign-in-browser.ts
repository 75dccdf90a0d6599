import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import * as x509 from '@peculiar/x509';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

/** A self-signed certificate for `*.<domain>`, for tests that a browser runs over TLS. */
export async function testCertificate(domain: string): Promise<{ key: string; cert: string }> {
  x509.cryptoProvider.set(webcrypto as unknown as Parameters<typeof x509.cryptoProvider.set>[0]);
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: `CN=${domain}`,
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 24 * 3_600_000),
    keys,
    signingAlgorithm: algorithm,
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: `*.${domain}` }])],
  });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  const key = `-----BEGIN PRIVATE KEY-----\n${pkcs8.match(/.{1,64}/g)?.join('\n')}\n-----END PRIVATE KEY-----\n`;
  return { key, cert: certificate.toString('pem') };
}

export type Serve = (request: IncomingMessage, response: ServerResponse) => void;

/** An HTTPS server on loopback whose listener is set later, because it needs the port. */
export async function startTls(
  domain: string,
): Promise<{ server: Server; port: number; serve(listener: Serve): void }> {
  let listener: Serve = (_request, response) => response.end();
  const server = createServer(await testCertificate(domain), (request, response) => listener(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    server,
    port: (server.address() as AddressInfo).port,
    serve: (given) => {
      listener = given;
    },
  };
}

/**
 * Headless Chromium that finds every host of the domain, and of `others`, on this machine. It trusts the server keys given
 * (SHA-256 of their SPKI, base64), or every certificate.
 */
export function startChromium(
  domain: string,
  options: { trustedKeys?: readonly string[]; others?: readonly string[] } = {},
): Promise<Browser> {
  const { trustedKeys, others = [] } = options;
  return chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      trustedKeys === undefined
        ? '--ignore-certificate-errors'
        : `--ignore-certificate-errors-spki-list=${trustedKeys.join(',')}`,
      `--host-resolver-rules=${[domain, ...others].map((each) => `MAP *.${each} 127.0.0.1`).join(',')}`,
    ],
  });
}

/** Gives a page a virtual authenticator (WebDriver section of WebAuthn) that verifies its user. */
export async function addAuthenticator(
  context: BrowserContext,
  page: Page,
): Promise<{ touch(automatic: boolean): Promise<void> }> {
  const devtools = await context.newCDPSession(page);
  await devtools.send('WebAuthn.enable');
  const { authenticatorId } = await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return {
    /** Does the person touch the authenticator at once, or never? */
    async touch(automatic) {
      await devtools.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled: automatic });
    },
  };
}
