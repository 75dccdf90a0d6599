export type { ExternalProviderConfig } from './federation/external-provider.ts';
export { createIdentity, type Identity, type IdentityNeeds } from './identity.ts';
export { IdentityError, type IdentityErrorCode } from './identity-error.ts';
export {
  administrators,
  createInvitation,
  type InvitationRequest,
  type InvitationView,
  listInvitations,
  removeInvitation,
} from './invitations/invitation.ts';
export type * from './needs.ts';
export type { SignAssertions } from './relying-party/assertion.ts';
export { invitationLifetimeMs, invitationLifetimeMsMax } from './session-policy.ts';
export { type RevokeOptions, revokeSession, revokeUserSessions } from './sessions/revoke.ts';
export { endSession } from './sessions/session-facts.ts';
export { sweepSessions } from './sessions/sweep.ts';
export { pageContentSecurityPolicy } from './site/guards.ts';
export type { Asset } from './site/site.ts';
export { callbackUrl, issuerOrigin, relyingPartyId, resourceOrigin } from './site-urls.ts';
export { parseScope, type Scope, scopeAllows } from './tokens/scope.ts';
export {
  createKeyCaller,
  createToken,
  looksLikeToken,
  revokeToken,
  type TokenRequest,
  tokenPrefix,
} from './tokens/token.ts';
