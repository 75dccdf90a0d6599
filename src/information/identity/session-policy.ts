/** Limits and lifetimes of sign-in, sessions and tokens, in milliseconds. One place, so that an operator can read them all. */
export const invitationLifetimeMs = 15 * 60_000;
export const invitationLifetimeMsMax = 7 * 24 * 3_600_000;
export const challengeLifetimeMs = 5 * 60_000;
export const flowLifetimeMs = 15 * 60_000;
export const interactionLifetimeMs = 15 * 60_000;
export const recoverySessionLifetimeMs = 15 * 60_000;
export const cookieGraceMs = 60_000;
/** Changing one's credentials asks for a proof no older than this. */
export const freshMs = 5 * 60_000;
export const tokenLifetimeMsMax = 366 * 24 * 3_600_000;

export const passkeysPerUserMax = 20;
export const tokensPerOwnerMax = 50;
export const sessionsPerUserMax = 100;
export const cookiesPerSessionMax = 500;
/** Sign-ins under way at once; of more the oldest are dropped. */
export const interactionsMax = 10_000;
export const invitationsMax = 5_000;
export const bodyBytesMax = 64 * 1024;
/** Sign-ins one browser may have open in its tabs; older ones are dropped. */
export const interactionsPerBrowserMax = 6;
/**
 * Sign-ins that one address may begin or go on with at the authorization endpoint, and as many that it may come back from to apps; each may
 * write to the store. An office behind one address may have hundreds of people.
 */
export const signInsPerAddress = { burst: 200, refillMs: 500 } as const;
