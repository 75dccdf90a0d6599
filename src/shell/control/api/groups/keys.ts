import { z } from 'zod';
import { SignerCallError } from '#shell/signer-client';
import type { SignerCalls } from '#shell/wire';
import { rootKeyOf } from '../../../store/index.ts';
import { change } from '../change.ts';
import { pageQuery } from '../page.ts';
import { problem } from '../problem.ts';
import { type Route, route } from '../route.ts';

const rewrapView = z.strictObject({
  /** Data keys that an older root key had wrapped. */
  rewrapped: z.int(),
  dataKeys: z.int(),
  /** Id of the root key that wraps them all now: the newest that the running signer has read. */
  rootKey: z.string().nullable(),
});

const keyView = z.strictObject({
  purpose: z.enum(['token', 'statement', 'ca', 'peer-ca']),
  id: z.string(),
  algorithm: z.string(),
  /** `announced`: shown, does not sign yet. `retiring`: signs no more, verifies until `shownUntil`. */
  state: z.enum(['announced', 'signing', 'retiring']),
  createdAt: z.int(),
  signsFrom: z.int(),
  shownUntil: z.int().nullable(),
});
const keysView = z.strictObject({ items: z.array(keyView), next: z.null() });

const minuteMs = 60_000;
const leadMsDefault = 10 * minuteMs;
const overlapMsDefault = 24 * 60 * minuteMs;

function viewKeys({ held }: SignerCalls['keys']['answer']): z.infer<typeof keysView> {
  return { items: held.map(({ keyId, ...key }) => ({ id: keyId, ...key })), next: null };
}

const listRoute = route({
  method: 'GET',
  path: '/keys',
  noun: 'key',
  action: 'read',
  summary: 'The keys that the signer holds: purpose, age and whether they sign; never the keys',
  query: z.strictObject(pageQuery),
  answer: keysView,
  handle: async ({ services }) => ({ body: viewKeys(await services.signerKeys.list()) }),
});

const rotateTokenRoute = route({
  method: 'POST',
  path: '/keys/rotate-token',
  noun: 'key',
  action: 'write',
  summary:
    'Makes a new token key: shown at once, signing after the lead; the old one verifies until the overlap is over',
  body: z.strictObject({
    /** How long it is shown before it signs: as long as others keep our JWK set. */
    leadMs: z
      .int()
      .min(0)
      .max(7 * 24 * 60 * minuteMs)
      .default(leadMsDefault),
    /** How long the old one verifies after that. */
    overlapMs: z
      .int()
      .min(60 * minuteMs)
      .max(30 * 24 * 60 * minuteMs)
      .default(overlapMsDefault),
    /** The old key is known to others: the new one signs now and what any other signed is worth nothing from now on. */
    leaked: z.boolean().default(false),
  }),
  answer: keysView,
  handle: async ({ services, caller, body }) => {
    let keys: SignerCalls['keys']['answer'] | undefined;
    await change(services, caller, {
      activity: 'update',
      message: body.leaked ? 'replaced the token key, which is said to have leaked' : 'rotated the token key',
      severity: body.leaked ? 'high' : 'medium',
      entity: { type: 'key', uid: 'token' },
      prepare: async () => {
        try {
          keys = await services.signerKeys.rotate(body);
        } catch (error) {
          if (error instanceof SignerCallError && error.code === 'refused')
            throw problem(409, 'refused', error.message);
          throw error;
        }
        return [];
      },
    });
    return { body: viewKeys(keys ?? (await services.signerKeys.list())) };
  },
});

export const keyRoutes: readonly Route[] = [
  listRoute,
  rotateTokenRoute,
  route({
    method: 'POST',
    path: '/keys/rewrap',
    noun: 'key',
    action: 'write',
    summary: 'Wraps every data key anew under the newest root key, so that older root keys can be dropped',
    answer: rewrapView,
    handle: async ({ services, caller }) => {
      const { rewrapped, wrapped } = await services.store.rewrapDataKeys(services.rewrapDataKey);
      const rootKey = wrapped.map((each) => rootKeyOf(each) ?? null).at(-1) ?? null;
      await change(services, caller, {
        activity: 'update',
        message: `wrapped ${rewrapped} data keys anew`,
        entity: { type: 'key', uid: rootKey ?? 'none' },
        prepare: () => [],
      });
      return { body: { rewrapped, dataKeys: wrapped.length, rootKey } };
    },
  }),
];
