import {
  type Facts,
  groupsAbove,
  type JudgeInput,
  judgeFacts,
  segmentsAround,
  userEntity,
} from '#decision/administration';
import type { FactView, User } from '#foundation/model';

type Attributes = Pick<User, 'name' | 'email' | 'status' | 'source'>;

/** The facts of one question, as far as they could be otherwise. */
export interface World {
  /** null: nobody who has groups. */
  readonly user: Attributes | null;
  /** Direct groups of the user, without `everyone`. */
  readonly groups: readonly string[];
  readonly session: Facts['session'];
  readonly device: Facts['device'];
  readonly token: Facts['token'];
  readonly grants: Facts['grants'];
  /** The segment the resource lies in; null: none. */
  readonly segment: string | null;
  readonly resource: Readonly<Record<string, string | boolean>>;
  readonly request: Facts['request'];
  readonly now: number;
}

/** A change of facts that a person would understand. */
export interface FactChange {
  readonly kind:
    | 'sign-in'
    | 'join-group'
    | 'leave-group'
    | 'grant'
    | 'end-grants'
    | 'session'
    | 'device'
    | 'token-scope'
    | 'user'
    | 'segment'
    | 'resource'
    | 'request';
  /** One sentence in the imperative. */
  readonly words: string;
  /** The same for the same change. */
  readonly key: string;
  apply(world: World): World;
}

/** The facts of a question, taken apart so that they can be changed. */
export function worldOf(facts: Facts, view: FactView): World {
  const { user } = facts.subject;
  const { attrs } = facts.resourceEntity;
  return {
    user,
    groups: user?.groups ?? [],
    session: facts.session,
    device: facts.device,
    token: facts.token,
    grants: facts.grants,
    segment: facts.resource.type === 'App' ? (view.get('resource', facts.resource.id)?.segment ?? null) : null,
    resource: Object.fromEntries(
      Object.entries(attrs).filter(([, value]) => typeof value === 'string' || typeof value === 'boolean'),
    ) as World['resource'],
    request: facts.request,
    now: facts.now,
  };
}

// No fact has an empty id, so no policy written for somebody means the one who might sign in.
const somebody = { type: 'User', id: '' } as const;

/** Judges a question in a world that might be. Throws HierarchyTooLarge. */
export function judgeWorld(input: JudgeInput, { facts, world }: { facts: Facts; world: World }) {
  const { view } = input;
  const { user, segment, resource, request, now, session, device, token, grants } = world;
  const principal = user !== null && facts.principal.type === 'Anonymous' ? somebody : facts.principal;
  const groups = user === null ? facts.groups : groupsAbove(view, [...world.groups, 'everyone']);
  const segments = facts.resource.type === 'App' ? segmentsAround(view, segment) : facts.segments;
  const changed: Facts = {
    ...facts,
    principal,
    principalEntity: user === null ? facts.principalEntity : userEntity(principal, { user, parents: groups.uids }),
    groups,
    segments,
    resourceEntity: { uid: facts.resource, attrs: resource, parents: segments.uids },
    session,
    device,
    token,
    grants,
    request,
    now,
  };
  return judgeFacts({ ...input, question: { ...input.question, request }, now }, changed);
}
