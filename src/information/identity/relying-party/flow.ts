import { z } from 'zod';
import { deriveKey, open, seal } from '#foundation/crypto';
import { fromBase64url, toBase64url } from '#foundation/encoding';
import { IdentityError } from '../identity-error.ts';
import type { IdentityCore } from '../needs.ts';
import { flowLifetimeMs } from '../session-policy.ts';

const flowSchema = z.strictObject({
  /** The app host that began, or `federation:<provider>` at the sign-in site. */
  party: z.string(),
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  returnTo: z.string(),
  expiresAt: z.int(),
  fresh: z.boolean(),
});

/** One sign-in under way at a relying party; travels sealed in the browser's flow cookie. */
export type Flow = z.infer<typeof flowSchema>;

const flowCharactersMax = 4096;
const associatedData = 'nullius sign-in flow';

function flowKey(core: IdentityCore): Uint8Array {
  return deriveKey(core.secret, { info: associatedData });
}

/** Draws state, nonce and PKCE verifier (RFC 7636: 43 characters of 256 bits) and dates the flow. */
export function newFlow(core: IdentityCore, parts: Pick<Flow, 'party' | 'returnTo' | 'fresh'>): Flow {
  const drawn = () => toBase64url(core.random(32));
  return { ...parts, state: drawn(), nonce: drawn(), verifier: drawn(), expiresAt: core.clock() + flowLifetimeMs };
}

export function sealFlow(core: IdentityCore, flow: Flow): string {
  return toBase64url(seal(flowKey(core), Buffer.from(JSON.stringify(flow), 'utf8'), { associatedData }));
}

/** Opens a flow cookie (attacker-controlled). Throws `expired` for anything this installation did not seal for this party. */
export function openFlow(core: IdentityCore, options: { sealed: string; party: string }): Flow {
  const refused = (cause?: unknown) =>
    new IdentityError('expired', 'this sign-in was not begun here, or too long ago; begin again', { cause });
  if (options.sealed.length > flowCharactersMax) throw refused();
  const bytes = fromBase64url(options.sealed);
  if (bytes === undefined) throw refused();
  let flow: Flow;
  try {
    const text = Buffer.from(open(flowKey(core), bytes, { associatedData })).toString('utf8');
    flow = flowSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw refused(cause);
  }
  if (flow.party !== options.party || flow.expiresAt <= core.clock()) throw refused();
  return flow;
}
