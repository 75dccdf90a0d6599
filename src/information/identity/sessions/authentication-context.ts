import type { Session } from '#foundation/model';

/** Authentication context and methods (OpenID EAP ACR values, RFC 8176) of each way to sign in. */
export function authenticationContext(login: Pick<Session, 'credential' | 'phishingResistant'>): {
  acr?: string;
  amr: string[];
} {
  const acr = login.phishingResistant ? { acr: 'phr' } : {};
  if (login.credential === 'passkey') return { ...acr, amr: ['pop', 'user', 'mfa'] };
  return { ...acr, amr: login.credential === 'recovery' ? ['otp'] : ['fed'] };
}
