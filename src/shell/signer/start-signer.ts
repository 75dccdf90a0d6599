import { lstatSync, mkdirSync } from 'node:fs';
import type { Server } from 'node:http';
import { join, relative, sep } from 'node:path';
import { listenOnSocket } from '#shell/child';
import { PrivateFileError } from '#shell/private-file';
import type { SignerHandoff } from '#shell/wire';
import { createKeyring } from '#trust/keys';
import type { PublicJwk } from '#trust/signing';
import { ensureKeys } from './answer-call.ts';
import { isKeyStoreEmpty, KeyStore } from './key-store.ts';
import { openRootKeys } from './root-key-file.ts';
import { createSignerServer } from './signer-server.ts';

export interface RunningSigner {
  readonly statementKeys: readonly PublicJwk[];
  /** Certificate of our own CA, for people and programs that shall trust it. */
  readonly caPem: string;
  /** Words for the operator, such as that there is a new CA. */
  readonly notices: readonly string[];
  close(): Promise<void>;
}

/** Opens the keys (making them at first start) and serves the signer's calls on its socket. */
export async function startSigner(handoff: SignerHandoff, clock: () => number = Date.now): Promise<RunningSigner> {
  const { dataDirectory, rootKeyFile, urls } = handoff;
  if (isInside(rootKeyFile, dataDirectory))
    throw new PrivateFileError(
      `the root key file \`${rootKeyFile}\` lies inside the data folder; a copy of the folder would hold both`,
    );
  const folder = join(dataDirectory, 'signer');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (!lstatSync(folder).isDirectory()) throw new PrivateFileError(`\`${folder}\` is not a folder; move it away`);
  const path = join(folder, 'keys.json');
  const rootKeys = await openRootKeys({ path: rootKeyFile, isFirstStart: isKeyStoreEmpty(path) });
  const store = await KeyStore.open({ path, rootKeys });
  const { isNewAuthority } = await ensureKeys({ store, urls, clock });
  const server = createSignerServer({
    store,
    dataKeys: createKeyring(rootKeys, 'data'),
    urls,
    clock,
    token: handoff.controlToken,
  });
  await listenOnSocket(server, handoff.socketPath);
  return {
    statementKeys: store.keys('statement', clock()).map(({ key }) => key.publicJwk),
    caPem: store.keys('ca', clock()).at(-1)?.certificatePem ?? '',
    notices: isNewAuthority
      ? ['the domains changed: there is a new CA certificate, which browsers must be told to trust']
      : [],
    close: () => closeServer(server),
  };
}

function isInside(path: string, folder: string): boolean {
  const [first] = relative(folder, path).split(sep);
  return first !== '..';
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
}
