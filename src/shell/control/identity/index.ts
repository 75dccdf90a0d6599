export { type CurrentFacts, identityStore } from './identity-store.ts';
export {
  type IdentityCalls,
  type RunningIdentity,
  type StartIdentityOptions,
  startIdentity,
} from './start-identity.ts';
