import { once } from 'node:events';
import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import type { Server } from 'node:net';

/** `sun_path` of Linux holds 108 bytes with its closing zero. */
export const socketPathBytesMax = 107;

/**
 * Listens on a Unix socket that only its owner may open (0600). A socket left by a process that died is removed first;
 * anything else at that path is left alone and refused.
 */
export async function listenOnSocket(server: Server, path: string): Promise<void> {
  if (Buffer.byteLength(path) > socketPathBytesMax)
    throw new Error(
      `the socket path \`${path}\` is longer than ${socketPathBytesMax} bytes; choose a shorter --data folder`,
    );
  const left = lstatSync(path, { throwIfNoEntry: false });
  if (left !== undefined && !left.isSocket())
    throw new Error(`\`${path}\` is in the way: a socket belongs there; move it away and start again`);
  if (left !== undefined) unlinkSync(path);
  // A Unix socket is bound before `listen` returns, so the umask is narrow for this one call only.
  const umask = process.umask(0o177);
  server.listen(path);
  process.umask(umask);
  await once(server, 'listening');
  chmodSync(path, 0o600);
}
