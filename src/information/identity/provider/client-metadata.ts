import type { AdapterPayload } from 'oidc-provider';
import type { IdentityCore } from '../needs.ts';
import { callbackUrl, issuerOrigin } from '../site-urls.ts';
import { clientSecretOf } from './client-secret.ts';

/** The sign-in site's own client, for its account page; its code is never redeemed. */
export const accountClient = 'id';

/**
 * The client of a resource, made from facts as they stand: one exact redirect URI, code flow only. A resource that is
 * removed is no client any more at the next request.
 */
export function clientMetadata(core: IdentityCore, clientId: string): AdapterPayload | undefined {
  const isAccount = clientId === accountClient;
  const resource = core.store.facts().get('resource', clientId);
  if (!isAccount && resource === undefined) return undefined;
  return {
    client_id: clientId,
    client_name: isAccount ? 'your account' : (resource?.displayName ?? clientId),
    client_secret: clientSecretOf(core, clientId),
    token_endpoint_auth_method: 'client_secret_basic',
    grant_types: ['authorization_code'],
    response_types: ['code'],
    redirect_uris: [isAccount ? `${issuerOrigin(core.urls)}/account/callback` : callbackUrl(core.urls, clientId)],
    post_logout_redirect_uris: [],
    id_token_signed_response_alg: 'ES256',
    require_auth_time: true,
  };
}
