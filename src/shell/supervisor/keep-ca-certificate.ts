import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const certificateLengthMax = 16_384;

/** Where the certificate of our own CA stands for people to take: it is public. */
export function caCertificateFile(dataDirectory: string): string {
  return join(dataDirectory, 'ca.pem');
}

/** Writes the CA's certificate when it is new; `nullius key ca` shows it. */
export function keepCaCertificate(dataDirectory: string, pem: string): void {
  const path = caCertificateFile(dataDirectory);
  if (!pem.startsWith('-----BEGIN CERTIFICATE-----\n') || pem.length > certificateLengthMax) return;
  if (readCaCertificate(dataDirectory) === pem) return;
  writeFileSync(`${path}.new`, pem, { mode: 0o600, flush: true });
  renameSync(`${path}.new`, path);
}

/** The certificate, or undefined before the first start. */
export function readCaCertificate(dataDirectory: string): string | undefined {
  try {
    return readFileSync(caCertificateFile(dataDirectory), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
