export { type CurrentFacts, identityStore } from './identity-store.ts';
export { loadPages, type Pages } from './pages.ts';
export {
  type IdentityCalls,
  type RunningIdentity,
  type StartIdentityOptions,
  startIdentity,
} from './start-identity.ts';
