import { type Facts, freshPasskey, segmentsAround, sensitivities } from '#decision/administration';
import type { PolicySet } from '#decision/engine';
import type { FactView } from '#foundation/model';
import type { Expression } from '../expression.ts';
import type { FactChange, World } from './world.ts';

/** Changes that are tried; those that policies near the question ask for come first. */
export const candidatesMax = 300;

type Operands = { readonly left?: Expression; readonly right?: Expression };
type Uid = { readonly type: string; readonly id: string };

/** `context.session.bound` of such an expression. */
function pathOf(expression: Expression | undefined): string | undefined {
  const { Var: name, '.': access } = (expression ?? {}) as { Var?: string; '.'?: { left: Expression; attr: string } };
  if (name !== undefined) return name;
  const left = access === undefined ? undefined : pathOf(access.left);
  return left === undefined ? undefined : `${left}.${access?.attr}`;
}

/** Everything a policy mentions: entities, and the values that paths are held against. */
export interface Mentions {
  readonly groups: Set<string>;
  readonly segments: Set<string>;
  readonly paths: Map<string, Set<unknown>>;
}

function mention(found: Mentions, { type, id }: Uid): void {
  if (type === 'Group') found.groups.add(id);
  if (type === 'Segment') found.segments.add(id);
}

function constantOf(expression: Expression | undefined): readonly unknown[] {
  const {
    Value: value,
    Set: items,
    datetime,
  } = (expression ?? {}) as { Value?: unknown; Set?: Expression[]; datetime?: Expression[] };
  if (items !== undefined) return items.flatMap(constantOf);
  if (datetime !== undefined) return constantOf(datetime[0]);
  if (Array.isArray(value)) return value;
  return value === undefined || typeof value === 'object' ? [] : [value];
}

function walk(node: unknown, found: Mentions): void {
  if (typeof node !== 'object' || node === null) return;
  if (Array.isArray(node)) {
    for (const each of node) walk(each, found);
    return;
  }
  const { __entity: uid } = node as { __entity?: Uid };
  if (uid !== undefined) mention(found, uid);
  const path = pathOf(node as Expression);
  if (path !== undefined) {
    if (!found.paths.has(path)) found.paths.set(path, new Set());
    return;
  }
  for (const [operator, operand] of Object.entries(node)) {
    const { left, right, pattern } = (operand ?? {}) as Operands & {
      pattern?: readonly ('Wildcard' | { Literal: string })[];
    };
    const isList = Array.isArray(operand);
    const [one, other] = isList ? (operand as Expression[]) : [left, right];
    for (const [side, against] of [
      [one, other],
      [other, one],
    ] as const) {
      const held = pathOf(side);
      if (held === undefined) continue;
      const values = found.paths.get(held) ?? new Set<unknown>();
      for (const value of isList ? addressesIn(against) : constantOf(against)) values.add(value);
      if (operator === 'like' && pattern !== undefined)
        values.add(pattern.map((part) => (part === 'Wildcard' ? '' : part.Literal)).join(''));
      found.paths.set(held, values);
    }
    walk(operand, found);
  }
}

function addressesIn(expression: Expression | undefined): readonly unknown[] {
  const { ip } = (expression ?? {}) as { ip?: Expression[] };
  return ip === undefined ? [] : constantOf(ip[0]);
}

/** What these policies speak of. */
export function mentionsOf({ policies }: Pick<PolicySet, 'policies'>, ids: Iterable<string>): Mentions {
  const found: Mentions = { groups: new Set(), segments: new Set(), paths: new Map() };
  for (const id of ids) {
    const json = policies.get(id)?.json;
    if (json === undefined) continue;
    for (const scope of [json.principal, json.resource] as { entity?: unknown; in?: { entity?: unknown } }[]) {
      for (const entity of [scope.entity, scope.in?.entity]) {
        if (entity !== undefined) mention(found, (entity as { __entity?: Uid }).__entity ?? (entity as Uid));
      }
    }
    for (const { body } of json.conditions) walk(body, found);
  }
  return found;
}

const change = (kind: FactChange['kind'], words: string, apply: FactChange['apply']): FactChange => ({
  kind,
  words,
  key: `${kind} ${words}`,
  apply,
});

function* aboutSession(
  { session, token }: World,
  paths: ReadonlyMap<string, ReadonlySet<unknown>>,
): Generator<FactChange> {
  if (!session.present || token.present) return;
  const set = (words: string, part: Partial<World['session']>) =>
    change('session', words, (world) => ({ ...world, session: { ...world.session, ...part } }));
  if (session.authAgeSeconds > 0) yield set('Sign in again to prove it is still you.', { authAgeSeconds: 0 });
  if (!session.phishingResistant || session.credential !== 'passkey') {
    yield change('session', 'Sign in with a passkey.', (world) => ({
      ...world,
      session: { ...freshPasskey, bound: world.session.bound },
    }));
  }
  if (session.phishingResistant)
    yield set('Be signed in by a provider that vouches for no phishing-resistant credential.', {
      credential: 'federated',
      phishingResistant: false,
    });
  yield session.bound
    ? set('Use a session that is not bound to a key in the device.', { bound: false })
    : set('Use a browser or device that binds the session to a key.', { bound: true });
  for (const value of paths.get('context.session.authAgeSeconds') ?? []) {
    if (typeof value !== 'number' || value + 1 <= session.authAgeSeconds) continue;
    yield set(`Let more than ${value} seconds pass since the last proof of who they are.`, {
      authAgeSeconds: value + 1,
    });
  }
}

function* aboutPerson(world: World, { groups, paths }: Mentions, view: FactView): Generator<FactChange> {
  const { user } = world;
  const person = user ?? { name: '', email: '', status: 'active', source: 'local' };
  if (user === null && !world.token.present) {
    yield change('sign-in', 'Sign in.', (before) => ({
      ...before,
      user: { ...person, status: 'active' },
      session: freshPasskey,
    }));
  }
  for (const id of groups) {
    if (id === 'everyone' || world.groups.includes(id)) continue;
    const where = view.get('group', id) === undefined ? ' (which does not exist yet)' : '';
    yield change('join-group', `Join the group \`${id}\`${where}.`, (before) =>
      before.user === null ? before : { ...before, groups: [...before.groups, id] },
    );
  }
  for (const id of world.groups) {
    yield change('leave-group', `Leave the group \`${id}\`.`, (before) => ({
      ...before,
      groups: before.groups.filter((each) => each !== id),
    }));
  }
  const set = (attribute: string, value: string) =>
    change(
      'user',
      `Have \`${attribute}\` \`${value}\` instead of \`${String(person[attribute as 'name'] ?? '')}\`.`,
      (before) => (before.user === null ? before : { ...before, user: { ...before.user, [attribute]: value } }),
    );
  if (user === null) return;
  yield set('status', user.status === 'active' ? 'suspended' : 'active');
  for (const attribute of ['email', 'source', 'name'] as const) {
    for (const value of paths.get(`principal.${attribute}`) ?? []) {
      if (typeof value === 'string' && value !== (user[attribute] ?? '')) yield set(attribute, value);
    }
  }
}

function* aboutResource(
  world: World,
  { segments, paths }: Mentions,
  { facts, view }: { facts: Facts; view: FactView },
): Generator<FactChange> {
  if (facts.resource.type !== 'App') return;
  const { id } = facts.resource;
  const { principal } = facts;
  if (world.grants.length === 0 && (world.user !== null || principal.type === 'Anonymous') && !world.token.present) {
    yield change('grant', `Give a grant on \`${id}\`.`, (before) => {
      if (before.user === null) return before;
      const body = { user: principal.type === 'User' ? principal.id : '', resource: id, expiresAt: before.now + 1 };
      return { ...before, grants: [{ id: '', body }] };
    });
  } else if (world.grants.length > 0) {
    yield change('end-grants', `End the grant${world.grants.length > 1 ? 's' : ''} on \`${id}\`.`, (before) => ({
      ...before,
      grants: [],
    }));
  }
  for (const segment of segments) {
    if (segment === world.segment) continue;
    yield change('segment', `Move \`${id}\` into the segment \`${segment}\`.`, (before) => {
      const { sensitivity } = segmentsAround(view, segment);
      return { ...before, segment, resource: { ...before.resource, sensitivity } };
    });
  }
  if (world.segment !== null) {
    yield change('segment', `Take \`${id}\` out of its segment.`, (before) => ({
      ...before,
      segment: null,
      resource: { ...before.resource, sensitivity: 'unclassified' },
    }));
  }
  if (!paths.has('resource.sensitivity')) return;
  for (const sensitivity of sensitivities) {
    if (sensitivity === world.resource['sensitivity']) continue;
    yield change('resource', `Classify \`${id}\` as \`${sensitivity}\`, by its segments.`, (before) => ({
      ...before,
      resource: { ...before.resource, sensitivity },
    }));
  }
}

function* aboutRequest(
  { request, token, device, session, now }: World,
  { paths }: Mentions,
  facts: Facts,
): Generator<FactChange> {
  if (token.present && facts.resource.type === 'App') {
    const scope = `app:${facts.resource.id}`;
    yield change('token-scope', `Give the token the scope \`${scope}\`.`, (before) => ({
      ...before,
      token: { ...before.token, scopes: [...before.token.scopes, scope] },
    }));
  } else if (token.present) {
    const scope = `${request.noun}:${facts.action === 'administer-read' ? 'read' : 'write'}`;
    yield change('token-scope', `Give the token the scope \`${scope}\`.`, (before) => ({
      ...before,
      token: { ...before.token, scopes: [...before.token.scopes, scope] },
    }));
  }
  if (
    session.present &&
    device.compliance !== 'compliant' &&
    [...paths.keys()].some((path) => path.startsWith('context.device'))
  ) {
    yield change('device', 'Use a device that is enrolled and compliant.', (before) => ({
      ...before,
      device: { known: true, compliance: 'compliant' },
    }));
  }
  if (paths.has('context.tls')) {
    const words = request.tls ? 'Ask without TLS.' : 'Ask over TLS.';
    yield change('request', words, (before) => ({ ...before, request: { ...before.request, tls: !request.tls } }));
  }
  for (const value of paths.get('context.address') ?? []) {
    const address = String(value).split('/')[0] ?? '';
    yield change('request', `Ask from \`${String(value)}\`.`, (before) => ({
      ...before,
      request: { ...before.request, address },
    }));
  }
  for (const value of paths.get('context.now') ?? []) {
    const at = Date.parse(String(value));
    if (!Number.isFinite(at)) continue;
    for (const [words, time] of [
      [`Ask at ${String(value)} or later.`, at],
      [`Ask before ${String(value)}.`, at - 1000],
    ] as const) {
      if (time > now === words.endsWith('later.'))
        yield change('request', words, (before) => ({ ...before, now: time }));
    }
  }
}

/** Changes of facts that may turn an answer, easiest first, no more than `candidatesMax`. */
export function candidateChanges(
  facts: Facts,
  { world, mentions, view }: { world: World; mentions: Mentions; view: FactView },
): { readonly changes: readonly FactChange[]; readonly isComplete: boolean } {
  const all = new Map<string, FactChange>();
  let isComplete = true;
  for (const found of [
    aboutSession(world, mentions.paths),
    aboutPerson(world, mentions, view),
    aboutResource(world, mentions, { facts, view }),
    aboutRequest(world, mentions, facts),
  ]) {
    for (const each of found) {
      if (all.size >= candidatesMax) isComplete = false;
      else all.set(each.key, each);
    }
  }
  return { changes: [...all.values()], isComplete };
}
