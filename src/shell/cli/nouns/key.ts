import { resolve } from 'node:path';
import type { Command, Globals } from '../command.ts';
import { CliError, exitCodes } from '../failure.ts';

export const keyCommands: readonly Command[] = [
  {
    noun: 'key',
    verb: 'ca',
    summary: 'Prints the certificate of our own CA (PEM), which browsers and programs are to trust',
    details: 'It may vouch for names under `domain` and `appsDomain` only. Example: `nullius key ca > nullius-ca.pem`.',
    run: async ({ globals, out }) => {
      const { readCaCertificate } = await import('../../supervisor/keep-ca-certificate.ts');
      const pem = readCaCertificate(resolve(globals.data));
      if (pem === undefined)
        throw new CliError('failed', `no CA in \`${globals.data}\` yet; it is made at the first \`nullius up\``);
      const { X509Certificate } = await import('node:crypto');
      const { fingerprint256, validTo } = new X509Certificate(pem);
      out.answer({ pem, fingerprint256, notAfter: Date.parse(validTo) }, pem.trimEnd());
      return exitCodes.done;
    },
  },
  {
    noun: 'key',
    verb: 'list',
    summary: 'Lists the ids of the root keys, oldest first',
    run: async ({ globals, out }) => {
      const { listRootKeys } = await import('../../signer/index.ts');
      const path = await rootKeyPath(globals);
      const ids = await inWords(async () => listRootKeys(path));
      out.answer({ file: path, keys: ids }, ids.join('\n'));
      return exitCodes.done;
    },
  },
  {
    noun: 'key',
    verb: 'rotate-root',
    summary: 'Adds a root key to the root key file; it wraps from the next start on',
    details: 'Older keys stay in the file and still unwrap. Back the file up again.',
    run: async ({ globals, out }) => {
      const { rotateRootKey } = await import('../../signer/index.ts');
      const path = await rootKeyPath(globals);
      const id = await inWords(() => rotateRootKey(path));
      out.answer({ file: path, added: id }, id);
      out.note(`\`${path}\` has a new key: back it up, then restart \`nullius up\``);
      return exitCodes.done;
    },
  },
];

async function rootKeyPath(globals: Globals): Promise<string> {
  const { loadConfig, resolveBeside } = await import('../../config/index.ts');
  const loaded = loadConfig({ file: globals.config ?? 'nullius.yaml', optional: globals.config === undefined });
  if (!loaded.ok)
    throw new CliError('failed', 'the configuration does not say where the root key is; run `nullius check`');
  const file = loaded.config.keys.root?.file;
  if (file === undefined) return `${resolve(globals.data)}.root-key`;
  return loaded.file === null ? resolve(file) : resolveBeside(loaded.file, file);
}

async function inWords<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new CliError('failed', error instanceof Error ? error.message : 'the root key file cannot be used');
  }
}
