import type { RegistrationResponseJSON } from '@simplewebauthn/server';
import type Provider from 'oidc-provider';
import { z } from 'zod';
import type { Client } from '../events.ts';
import { enrol, enrolOptions, openInvitation } from '../invitations/invitation.ts';
import type { IdentityCore } from '../needs.ts';
import { answerJson, type Exchange, readJson } from './http.ts';
import { startSession } from './login.ts';

const tokenSchema = z.string().min(1).max(100);
const openSchema = z.strictObject({ token: tokenSchema });
const optionsSchema = z.strictObject({
  token: tokenSchema,
  name: z.string().max(128),
  displayName: z.string().max(200),
});

/** `RegistrationResponseJSON` (WebAuthn Level 3 section 5.1.8.1), attacker-controlled. */
export const attestationSchema = z.object({
  id: z.string().max(1400),
  rawId: z.string().max(1400),
  type: z.literal('public-key'),
  response: z.object({
    clientDataJSON: z.string().max(20_000),
    attestationObject: z.string().max(40_000),
    transports: z.array(z.string().max(20)).max(10).optional(),
  }),
  authenticatorAttachment: z.enum(['platform', 'cross-platform']).optional(),
  clientExtensionResults: z.record(z.string(), z.unknown()).transform(() => ({})),
});
const enrolSchema = z.strictObject({
  token: tokenSchema,
  name: z.string().max(128),
  displayName: z.string().max(200),
  response: attestationSchema,
});

interface EnrolNeeds {
  readonly core: IdentityCore;
  readonly provider: Provider;
}

export async function enrolOpen(needs: EnrolNeeds, exchange: Exchange): Promise<void> {
  const { token } = await readJson(exchange.request, openSchema);
  answerJson(exchange, await openInvitation(needs.core, token));
}

export async function enrolBegin(needs: EnrolNeeds, exchange: Exchange): Promise<void> {
  answerJson(exchange, await enrolOptions(needs.core, await readJson(exchange.request, optionsSchema)));
}

/** Registers the passkey and signs the person in by it: user verification was just shown. */
export async function enrolFinish(needs: EnrolNeeds, exchange: Exchange): Promise<void> {
  const { core, provider } = needs;
  const { response, ...request } = await readJson(exchange.request, enrolSchema);
  const client: Client = { address: exchange.address, userAgent: exchange.userAgent };
  const { id, user } = await enrol(core, { request, response: response as RegistrationResponseJSON, client });
  await startSession(core, {
    provider,
    request: exchange.request,
    response: exchange.response,
    login: {
      user: id,
      credential: 'passkey',
      provider: 'local',
      phishingResistant: true,
      authTime: core.clock(),
      client,
    },
  });
  answerJson(exchange, { name: user.name, displayName: user.displayName });
}
