import type { Adapter, AdapterPayload } from 'oidc-provider';
import { errors } from 'oidc-provider';
import { sha256Base64url } from '#foundation/crypto';
import type { IdentityCore, IdentityRecord, IdentityTransaction } from '../needs.ts';
import { interactionsMax } from '../session-policy.ts';
import { clientMetadata } from './client-metadata.ts';

const secondsMs = 1000;

/** Most live rows of each kind the provider may hold. */
const artifactsMax = 200_000;

/**
 * Keeps the provider's artifacts in our private table. Their ids are bearer values (codes, session and access tokens),
 * so rows carry the SHA-256 only, and payloads are stored without them.
 */
export function createAdapter(core: IdentityCore, model: string): Adapter {
  const kind = `oidc:${model}`;
  const transact = <T>(work: (transaction: IdentityTransaction) => Promise<T>) => core.store.transact(work);
  const live = (record: IdentityRecord | undefined) =>
    record !== undefined && (record.expiresAt === null || record.expiresAt > core.clock()) ? record : undefined;
  const read = (record: IdentityRecord | undefined, id?: string): AdapterPayload | undefined => {
    const found = live(record);
    if (found === undefined) return undefined;
    const payload: AdapterPayload = JSON.parse(found.body);
    return id === undefined ? payload : { ...payload, jti: id };
  };
  return {
    async upsert(id, payload, expiresIn) {
      await transact(async ({ records }) => {
        const key = sha256Base64url(id);
        const isNew = (await records.get(kind, key)) === undefined;
        const count = isNew ? await records.count(kind) : 0;
        if (model === 'Interaction' && count >= interactionsMax) {
          // Strangers can make these, from many addresses: what has waited longest gives way, so that nobody is kept from signing in.
          await records.removeOldest(kind);
        } else if (count >= artifactsMax) {
          throw new errors.TemporarilyUnavailable('too many sign-ins are under way; try again in a few minutes');
        }
        await records.put({
          kind,
          id: key,
          owner: ownerOf(model, payload),
          body: JSON.stringify(withoutBearers(payload)),
          expiresAt: expiresIn === undefined ? null : core.clock() + expiresIn * secondsMs,
        });
      });
    },
    async find(id) {
      if (model === 'Client') return clientMetadata(core, id);
      return read(await transact(({ records }) => records.get(kind, sha256Base64url(id))), id);
    },
    async findByUid(uid) {
      const [record] = await transact(({ records }) => records.byOwner(kind, uid));
      return read(record);
    },
    async findByUserCode() {
      return undefined;
    },
    async consume(id) {
      await transact(async ({ records }) => {
        const record = live(await records.get(kind, sha256Base64url(id)));
        const payload: AdapterPayload | undefined = record === undefined ? undefined : JSON.parse(record.body);
        // The library looks before it consumes; only this decides between two that race.
        if (record === undefined || payload === undefined || payload.consumed !== undefined) {
          throw new errors.InvalidGrant('already consumed');
        }
        const consumed = Math.floor(core.clock() / secondsMs);
        await records.put({ ...record, body: JSON.stringify({ ...payload, consumed }) });
      });
    },
    async destroy(id) {
      await transact(({ records }) => records.remove(kind, sha256Base64url(id)));
    },
    async revokeByGrantId(grantId) {
      await transact(({ records }) => records.removeByOwner(kind, grantId));
    },
  };
}

/** Sessions are found again by their uid; what a grant gave dies with the grant. */
function ownerOf(model: string, payload: AdapterPayload): string | null {
  if (model === 'Session') return payload.uid ?? null;
  return payload.grantId ?? null;
}

function withoutBearers(payload: AdapterPayload): AdapterPayload {
  const { jti: _id, ...rest } = payload;
  if (rest.session === undefined || rest.session === null) return rest;
  const { cookie: _cookie, ...session } = rest.session as Record<string, unknown>;
  return { ...rest, session } as AdapterPayload;
}
