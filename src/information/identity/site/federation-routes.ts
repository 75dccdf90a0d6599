import { authenticationEvent } from '../events.ts';
import type { ExternalProvider } from '../federation/external-provider.ts';
import { beginFederated, finishFederated, flowName, openFederated } from '../federation/federated-login.ts';
import { providerTrouble } from '../federation/provider-trouble.ts';
import { IdentityError } from '../identity-error.ts';
import { holdsInteraction, ownCookie } from '../provider/cookie-airlock.ts';
import { flowLifetimeMs } from '../session-policy.ts';
import { answerJson, type Exchange, redirect } from './http.ts';
import { finishInteraction, type InteractionNeeds, interactionOf } from './interaction-routes.ts';

const secondMs = 1000;

export interface FederationNeeds extends InteractionNeeds {
  readonly external: ReadonlyMap<string, ExternalProvider>;
  /** Tells the operator. */
  readonly onError: (error: unknown) => void;
}

function providerOf(needs: FederationNeeds, name: string): ExternalProvider {
  const provider = needs.external.get(name);
  if (provider === undefined) throw new IdentityError('not-found', 'there is no such provider');
  return provider;
}

const cookieName = (flow: string) => `federation-${flow}`;

/** `POST /interaction/<uid>/federation/<provider>`: where to go on. */
export async function federationBegin(needs: FederationNeeds, exchange: Exchange): Promise<void> {
  const provider = providerOf(needs, exchange.segments[3] ?? '');
  const interaction = await interactionOf(needs, exchange);
  const { prompt, max_age: maxAge } = interaction.params;
  const fresh = (typeof prompt === 'string' && prompt.split(' ').includes('login')) || maxAge !== undefined;
  const begun = await beginFederated(needs.core, { provider, interaction: interaction.uid, fresh }).catch(
    async (error: unknown) => {
      await tellFailed(needs, { exchange, provider, error });
      throw error;
    },
  );
  const maxAgeSeconds = flowLifetimeMs / secondMs;
  exchange.response.setHeader('set-cookie', ownCookie(cookieName(begun.name), { value: begun.flow, maxAgeSeconds }));
  answerJson(exchange, { location: begun.location });
}

/** `GET /federation/<provider>/callback`: everything in it is attacker-controlled but our own sealed cookie. */
export async function federationCallback(needs: FederationNeeds, exchange: Exchange): Promise<void> {
  const { core } = needs;
  const provider = providerOf(needs, exchange.segments[1] ?? '');
  const client = { address: exchange.address, userAgent: exchange.userAgent };
  try {
    const name = cookieName(flowName(exchange.url.searchParams.get('state') ?? ''));
    const sealed = exchange.cookies.get(`__Host-id_${name}`);
    if (sealed === undefined) {
      throw new IdentityError('expired', 'this sign-in was not begun in this browser, or too long ago; begin again');
    }
    const flow = await openFederated(core, { provider, sealed });
    if (!holdsInteraction(exchange.cookies, flow.returnTo)) {
      throw new IdentityError('expired', 'this sign-in was begun in another browser; begin again');
    }
    const login = await finishFederated(core, { provider, flow, callback: exchange.url, client });
    const interaction = await needs.provider.Interaction.find(login.interaction);
    if (interaction === undefined) throw new IdentityError('expired', 'this sign-in took too long; begin again');
    const { phishingResistant, authTime } = login.person;
    const note = { credential: 'federated', provider: provider.config.name, phishingResistant, ...client } as const;
    const location = await finishInteraction(needs, { interaction, user: login.user, note, authTime });
    exchange.response.setHeader('set-cookie', ownCookie(name, { value: '', maxAgeSeconds: 0 }));
    redirect(exchange, location);
  } catch (error) {
    await tellFailed(needs, { exchange, provider, error });
    throw error;
  }
}

/** The event with the reason; where the provider stood behind it also a line for the operator, whose matter it then mostly is. */
async function tellFailed(
  { core, onError }: FederationNeeds,
  { exchange, provider, error }: { exchange: Exchange; provider: ExternalProvider; error: unknown },
): Promise<void> {
  const { name } = provider.config;
  const trouble = providerTrouble(error);
  const words = error instanceof IdentityError ? error.message : 'internal error';
  if (trouble !== '') onError(new Error(`sign-in through \`${name}\` failed: ${trouble}`));
  await core.emit(
    authenticationEvent(core, {
      user: null,
      success: false,
      message: `sign-in through ${name} refused`,
      reason: trouble === '' ? words : `${words} (${trouble})`,
      protocol: 'OpenID',
      provider: name,
      client: { address: exchange.address, userAgent: exchange.userAgent },
    }),
  );
}
