import * as client from 'openid-client';
import type { Clock } from '#foundation/model';
import { IdentityError } from '../identity-error.ts';

/** An OpenID Provider of the organisation's own, as configured. */
export interface ExternalProviderConfig {
  readonly name: string;
  readonly displayName: string;
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string | null;
  readonly scopes: readonly string[];
  /** Claim with the groups; dots lead into objects (`realm_access.roles`). Without it groups are not taken over. */
  readonly groupsClaim: string | null;
  /** The provider's group to our group. */
  readonly groups: Readonly<Record<string, string>>;
  readonly createUsers: boolean;
  /** `amr` or `acr` values by which the provider vouches for a phishing-resistant credential. */
  readonly phishingResistantAmr: readonly string[];
}

const discoveryLifetimeMs = 3_600_000;
const timeoutSeconds = 10;

function isLoopback(url: URL): boolean {
  const host = url.hostname;
  return host === 'localhost' || host === '127.0.0.1' || host === '[::1]';
}

/** One external provider and its metadata, read when first needed and again every hour. */
export class ExternalProvider {
  readonly config: ExternalProviderConfig;
  readonly #clock: Clock;
  #known: { configuration: client.Configuration; readAt: number } | undefined;

  constructor(config: ExternalProviderConfig, clock: Clock) {
    const issuer = URL.canParse(config.issuer) ? new URL(config.issuer) : undefined;
    const safe = issuer?.protocol === 'https:' || (issuer?.protocol === 'http:' && isLoopback(issuer));
    if (!safe) {
      throw new IdentityError(
        'invalid-request',
        `the issuer \`${config.issuer}\` of provider \`${config.name}\` must be an https URL (http is for loopback only)`,
      );
    }
    this.config = config;
    this.#clock = clock;
  }

  /** The provider's endpoints and keys (OpenID Connect Discovery 1.0). Throws `provider-unreachable`. */
  async configuration(): Promise<client.Configuration> {
    const now = this.#clock();
    if (this.#known !== undefined && now - this.#known.readAt < discoveryLifetimeMs) return this.#known.configuration;
    const { config } = this;
    const issuer = new URL(config.issuer);
    try {
      const configuration = await client.discovery(
        issuer,
        config.clientId,
        {},
        config.clientSecret === null ? client.None() : client.ClientSecretBasic(config.clientSecret),
        {
          timeout: timeoutSeconds,
          // The constructor let plain http through for loopback only.
          execute: issuer.protocol === 'http:' ? [client.allowInsecureRequests] : [],
        },
      );
      client.enableNonRepudiationChecks(configuration);
      this.#known = { configuration, readAt: now };
      return configuration;
    } catch (cause) {
      throw new IdentityError(
        'provider-unreachable',
        `\`${config.displayName}\` does not answer as an OpenID Provider; try again, or sign in another way`,
        { cause },
      );
    }
  }
}
