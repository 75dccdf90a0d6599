import { type DecisionRequest, EngineError, type EntityJson, type LosslessJson } from '#decision/engine';
import type { EntityUid, Grant } from '#foundation/model';
import type { Facts } from './facts-for-question.ts';

const extension = (fn: string, arg: string): LosslessJson => ({ __extn: { fn, arg } });
const reference = (type: string, id: string): LosslessJson => ({ __entity: { type, id } });

/** Latest time Cedar's `datetime("…Z")` can write: the end of the year 9999. */
const timeMax = 253_402_300_799_999;

export function datetime(ms: number): LosslessJson {
  if (!(ms >= 0 && ms <= timeMax)) {
    throw new EngineError({ code: 'invalid-request', message: 'the time is outside the years 1970 to 9999' });
  }
  return extension('datetime', new Date(ms).toISOString());
}

let lastSecond: { readonly ms: number; readonly written: LosslessJson } | undefined;

/** The time to the second: policies need no more, and all requests of one second share what is written. */
function secondOf(now: number): LosslessJson {
  const ms = Math.floor(now / 1000) * 1000;
  if (lastSecond?.ms !== ms) lastSecond = { ms, written: datetime(ms) };
  return lastSecond.written;
}

/**
 * The client's address as Cedar writes it: no zone, IPv4 also where it comes mapped into IPv6. The empty address is a
 * Unix socket's: the machine itself. What is no address at all is refused by the engine.
 */
export function cedarAddress(address: string): string {
  if (address === '') return '127.0.0.1';
  const zone = address.indexOf('%');
  const plain = zone < 0 ? address : address.slice(0, zone);
  if (!plain.includes(':')) return plain;
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain)?.[1] ?? plain;
}

const noGrants: LosslessJson = [];

function context(facts: Facts): DecisionRequest['context'] {
  const { request } = facts;
  return {
    method: request.method,
    host: request.host,
    path: request.path,
    route: request.route,
    address: extension('ip', cedarAddress(request.address)),
    tls: request.tls,
    now: secondOf(facts.now),
    noun: request.noun,
    session: facts.session as unknown as LosslessJson,
    device: facts.device as unknown as LosslessJson,
    token: facts.token,
    grants: facts.grants.length === 0 ? noGrants : facts.grants.map(({ id }) => reference('Grant', id)),
  };
}

/** All that the entities of a question are written from. */
type Parts = Pick<Facts, 'groups' | 'segments' | 'resourceEntity' | 'principalEntity' | 'grants'>;

/** Written once for as long as the parts are the same objects, so that the engine converts them once. */
const writtenEntities = new WeakMap<EntityJson, { readonly parts: Parts; readonly list: readonly EntityJson[] }>();

function entities(facts: Facts): readonly EntityJson[] {
  const { groups, segments, resourceEntity, principalEntity, grants } = facts;
  // The entity of a person when there is one: most people use one app at a time.
  const key = principalEntity ?? resourceEntity;
  const known = writtenEntities.get(key);
  if (
    known !== undefined &&
    known.parts.groups === groups &&
    known.parts.segments === segments &&
    known.parts.resourceEntity === resourceEntity &&
    known.parts.principalEntity === principalEntity &&
    known.parts.grants === grants
  ) {
    return known.list;
  }
  const list = Object.freeze(writeEntities(facts));
  writtenEntities.set(key, { parts: { groups, segments, resourceEntity, principalEntity, grants }, list });
  return list;
}

function writeEntities(facts: Facts): EntityJson[] {
  const list: EntityJson[] = [...facts.groups.entities, ...facts.segments.entities, facts.resourceEntity];
  if (facts.principalEntity !== null) list.push(facts.principalEntity);
  for (const grant of facts.grants) list.push(grantEntity(grant));
  return list;
}

/** Is it one that has an entity? Requests that nobody decided have none, nor have grants that were taken back. */
export const isGranted = ({ state, expiresAt }: Pick<Grant, 'state' | 'expiresAt'>) =>
  state === 'active' && expiresAt !== null;

/** The entity of a grant. */
export function grantEntity({ id, body }: Facts['grants'][number]): EntityJson {
  return Object.freeze({
    uid: { type: 'Grant', id },
    attrs: {
      user: reference('User', body.user),
      resource: reference('App', body.resource),
      // An end later than Cedar can write is written as the latest: policies see it as far away either way.
      expiresAt: datetime(Math.min(body.expiresAt ?? 0, timeMax)),
    },
    parents: [],
  });
}

const nothing: readonly EntityJson[] = Object.freeze([]);
const actions = new Map<string, EntityUid>();

/** The same object for the same action, of which there are few. */
function actionUid(id: Facts['action']): EntityUid {
  let uid = actions.get(id);
  if (uid === undefined) {
    uid = { type: 'Action', id };
    actions.set(id, uid);
  }
  return uid;
}

/**
 * Writes facts as the request and entities Cedar judges; with `isStored` there are entities for all of them in the engine's store but,
 * perhaps, for the principal. Throws EngineError `invalid-request` for what cannot be written.
 */
export function cedarRequest(facts: Facts, { isStored = false }: { isStored?: boolean } = {}): DecisionRequest {
  return {
    principal: facts.principal,
    action: actionUid(facts.action),
    resource: facts.resource,
    context: context(facts),
    entities: isStored ? (facts.principalAlone ?? nothing) : entities(facts),
    isWhole: !isStored,
  };
}
