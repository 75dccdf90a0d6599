import { constants } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { equalSecrets } from '#foundation/crypto';
import { toBase64url } from '#foundation/encoding';
import type { RandomBytes } from '#foundation/model';
import { adminTokenFile } from '#shell/wire';

/**
 * Writes the token of the admin socket, new at every start, to a file that only its owner may read. Every process of one user
 * may open a Unix socket, but Node's permission model keeps the gateway and the signer from this file.
 */
export async function writeAdminToken(dataDirectory: string, random: RandomBytes): Promise<string> {
  const token = toBase64url(random(32));
  const path = adminTokenFile(dataDirectory);
  await rm(`${path}.new`, { force: true });
  const file = await open(
    `${path}.new`,
    constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
    0o600,
  );
  try {
    await file.writeFile(token);
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
  return token;
}

/** Does this `Authorization` value (attacker-controlled) hold the token? */
export function holdsAdminToken(authorization: string | null, token: string): boolean {
  return authorization !== null && equalSecrets(authorization, `Bearer ${token}`);
}
