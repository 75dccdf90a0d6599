import { X509Certificate } from 'node:crypto';
import { chmod, lstat, mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';

const fileBytesMax = 262_144;
const hostName = /^[a-z0-9-]+(?:\.[a-z0-9-]+)+$/;

/** A key and the chain for it, as a public CA gave it for one host. */
export interface KeptCertificate {
  readonly keyPem: string;
  readonly chainPem: string;
  readonly notBefore: number;
  readonly notAfter: number;
}

/**
 * Certificates of public CAs on disk, one file a host, 0600, in the gateway's own folder: directories limit how often the
 * same name is ordered, so a restart must not order again.
 */
export class KeptCertificates {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async open(folder: string): Promise<KeptCertificates> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await chmod(folder, 0o700);
    return new KeptCertificates(folder);
  }

  /** The kept certificate that still speaks for the host, or undefined. Throws when a file is there that must not be used. */
  async read(host: string, now: number): Promise<KeptCertificate | undefined> {
    const path = this.#pathOf(host);
    const stats = await lstat(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (stats === undefined) return undefined;
    if (!stats.isFile() || stats.size > fileBytesMax || (stats.mode & 0o077) !== 0)
      throw new Error(`\`${path}\` is no file of ours that only we may read; it is not used`);
    const text = await readFile(path, 'utf8');
    const at = text.indexOf('-----BEGIN CERTIFICATE-----');
    if (at < 0) throw new Error(`\`${path}\` is damaged; it is not used`);
    const kept = describeChain({ keyPem: text.slice(0, at), chainPem: text.slice(at) }, host);
    return kept.notAfter > now && kept.notBefore <= now ? kept : undefined;
  }

  /** Written beside, synced, renamed, folder synced: after a power cut there is the old file or the new one. */
  async write(host: string, pem: { readonly keyPem: string; readonly chainPem: string }): Promise<void> {
    const path = this.#pathOf(host);
    const file = await open(`${path}.new`, 'w', 0o600);
    try {
      await file.writeFile(pem.keyPem + pem.chainPem);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(`${path}.new`, path);
    const folder = await open(this.#folder, 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }

  #pathOf(host: string): string {
    // Names come from facts; as file names they are checked again.
    if (!hostName.test(host) || host.length > 253) throw new Error(`\`${host}\` is no host name for a certificate`);
    return join(this.#folder, `${host}.pem`);
  }
}

/** Reads the leaf's times. Throws when the chain does not speak for the host. */
export function describeChain(
  pem: { readonly keyPem: string; readonly chainPem: string },
  host: string,
): KeptCertificate {
  const leaf = new X509Certificate(pem.chainPem);
  if (leaf.checkHost(host, { subject: 'never', wildcards: false }) === undefined)
    throw new Error(`the certificate kept for \`${host}\` does not name it`);
  return { ...pem, notBefore: leaf.validFromDate.getTime(), notAfter: leaf.validToDate.getTime() };
}
