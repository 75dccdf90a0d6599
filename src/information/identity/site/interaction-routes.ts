import type { AuthenticationResponseJSON } from '@simplewebauthn/server';
import type Provider from 'oidc-provider';
import { z } from 'zod';
import { authenticationEvent, type Client } from '../events.ts';
import type { ExternalProvider } from '../federation/external-provider.ts';
import { IdentityError } from '../identity-error.ts';
import type { IdentityCore } from '../needs.ts';
import { authenticationOptions, verifyAuthentication } from '../passkeys/authenticate.ts';
import type { LoginNote } from '../provider/provider.ts';
import { authenticationContext } from '../sessions/authentication-context.ts';
import { answerJson, type Exchange, readJson } from './http.ts';

const secondMs = 1000;
const text = z.string().max(20_000);

/** `AuthenticationResponseJSON` (WebAuthn Level 3 section 5.1.8.2), attacker-controlled. */
export const assertionSchema = z.object({
  id: z.string().max(1400),
  rawId: z.string().max(1400),
  type: z.literal('public-key'),
  response: z.object({
    clientDataJSON: text,
    authenticatorData: text,
    signature: text,
    userHandle: z.string().max(200).optional(),
  }),
  authenticatorAttachment: z.enum(['platform', 'cross-platform']).optional(),
  clientExtensionResults: z.record(z.string(), z.unknown()).transform(() => ({})),
});

export interface InteractionNeeds {
  readonly core: IdentityCore;
  readonly provider: Provider;
  readonly external: ReadonlyMap<string, ExternalProvider>;
}

type Interaction = InstanceType<Provider['Interaction']>;

/** The interaction of this path, if this browser holds its cookie. */
export async function interactionOf(needs: InteractionNeeds, exchange: Exchange): Promise<Interaction> {
  try {
    return await needs.provider.interactionDetails(exchange.request, exchange.response);
  } catch (cause) {
    throw new IdentityError('expired', 'this sign-in has expired or was begun in another browser; begin again', {
      cause,
    });
  }
}

/** What the sign-in page shows. */
export async function interactionView(needs: InteractionNeeds, exchange: Exchange): Promise<void> {
  const interaction = await interactionOf(needs, exchange);
  const client = await needs.provider.Client.find(String(interaction.params.client_id));
  const user = interaction.session && needs.core.store.facts().get('user', interaction.session.accountId);
  answerJson(exchange, {
    app: client?.clientName ?? String(interaction.params.client_id),
    confirming: user === undefined ? null : user.displayName,
    providers: [...needs.external.values()].map(({ config: { name, displayName } }) => ({ name, displayName })),
  });
}

export async function passkeyOptions(needs: InteractionNeeds, exchange: Exchange): Promise<void> {
  const interaction = await interactionOf(needs, exchange);
  answerJson(exchange, await authenticationOptions(needs.core, interaction.uid));
}

export async function passkeySignIn(needs: InteractionNeeds, exchange: Exchange): Promise<void> {
  const { core } = needs;
  const interaction = await interactionOf(needs, exchange);
  const response = await readJson(exchange.request, assertionSchema);
  const client: Client = { address: exchange.address, userAgent: exchange.userAgent };
  try {
    const proven = await verifyAuthentication(core, {
      interaction: interaction.uid,
      response: response as AuthenticationResponseJSON,
    });
    const note = { credential: 'passkey', provider: 'local', phishingResistant: true, ...client } as const;
    const location = await finishInteraction(needs, { interaction, user: proven.user, note, authTime: core.clock() });
    answerJson(exchange, { location });
  } catch (error) {
    await core.emit(
      authenticationEvent(core, {
        user: null,
        success: false,
        message: 'a passkey was refused',
        reason: error instanceof IdentityError ? error.message : 'internal error',
        protocol: 'FIDO2',
        client,
      }),
    );
    throw error;
  }
}

/** Tells the provider who it is; gives where the browser goes on. A step-up must be by the very same person. */
export async function finishInteraction(
  needs: InteractionNeeds,
  options: { interaction: Interaction; user: string; note: LoginNote; authTime: number },
): Promise<string> {
  const { interaction, user, note } = options;
  const before = interaction.session?.accountId;
  if (before !== undefined && before !== user) {
    throw new IdentityError('sign-in-refused', 'you are signed in as somebody else here; sign out first');
  }
  interaction.result = {
    login: {
      accountId: user,
      ts: Math.floor(options.authTime / secondMs),
      remember: true,
      ...authenticationContext(note),
    },
    nullius: { ...note, userAgent: note.userAgent.slice(0, 500) },
  };
  await interaction.save(Math.max(1, interaction.exp - Math.floor(needs.core.clock() / secondMs)));
  return interaction.returnTo;
}
