import * as client from 'openid-client';
import type { IdentityCore } from '../needs.ts';
import { clientSecretOf } from '../provider/client-secret.ts';
import { issuerOrigin } from '../site-urls.ts';

/** Calls our own provider inside this process; never DNS, never the network. */
export type ProviderFetch = client.CustomFetch;

/** The relying party's view of our provider for one resource: no discovery, its endpoints are known. */
export function providerClient(
  core: IdentityCore,
  options: { resource: string; fetch: ProviderFetch },
): client.Configuration {
  const issuer = issuerOrigin(core.urls);
  const configuration = new client.Configuration(
    {
      issuer,
      authorization_endpoint: `${issuer}/auth`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/jwks`,
      authorization_response_iss_parameter_supported: true,
      id_token_signing_alg_values_supported: ['ES256'],
    },
    options.resource,
    { id_token_signed_response_alg: 'ES256', require_auth_time: true },
    client.ClientSecretBasic(clientSecretOf(core, options.resource)),
  );
  configuration[client.customFetch] = options.fetch;
  // In process: no TLS to lean on, so the ID token's signature is verified here (OpenID Connect Core 3.1.3.7).
  client.enableNonRepudiationChecks(configuration);
  // `*.localhost` is served over http, and this client's requests never leave the process.
  client.allowInsecureRequests(configuration);
  return configuration;
}
