import { createHmac } from 'node:crypto';
import { deriveKey } from '#foundation/crypto';
import type { IdentityCore } from '../needs.ts';

/** The client secret of a resource at our own provider: derived, never stored, known to control alone. */
export function clientSecretOf(core: IdentityCore, resource: string): string {
  const key = deriveKey(core.secret, { info: 'nullius client secret' });
  return createHmac('sha256', key).update(resource).digest('base64url');
}
