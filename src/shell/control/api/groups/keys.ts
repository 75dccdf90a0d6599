import { z } from 'zod';
import { rootKeyOf } from '../../../store/index.ts';
import { change } from '../change.ts';
import { type Route, route } from '../route.ts';

const rewrapView = z.strictObject({
  /** Data keys that an older root key had wrapped. */
  rewrapped: z.int(),
  dataKeys: z.int(),
  /** Id of the root key that wraps them all now: the newest that the running signer has read. */
  rootKey: z.string().nullable(),
});

export const keyRoutes: readonly Route[] = [
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
