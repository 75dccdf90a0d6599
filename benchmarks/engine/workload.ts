// The set that every engine is asked about: 100,000 entities, policies of ten outlines in Cedar and in Rego, and requests drawn at random.
// Everything comes from a seed, so that all engines see the same.
import type { DecisionRequest, EntityJson } from '#decision/engine';

export const schema = `
entity Group in [Group];
entity User in [Group] { status: String, department: String, clearance: Long, projects: Set<String> };
entity Segment in [Segment];
entity App in [Segment] { sensitivity: String, department: String, rank: Long, projects: Set<String>, owner: User };
action access;
action read, write, delete in [access] appliesTo { principal: [User], resource: [App],
  context: { route: String, address: ipaddr, session: { bound: Bool, age: Long, resistant: Bool } } };`;

const [groupCount, segmentCount, userCount, appCount] = [2_000, 1_000, 67_000, 30_000];
export const entityCount = groupCount + segmentCount + userCount + appCount;

const departments = ['sales', 'legal', 'research', 'finance', 'support'];
const sensitivities = ['low', 'low', 'medium', 'high'];
const actions = ['read', 'read', 'read', 'write', 'delete'];
const routes = ['default', 'default', 'api', 'admin-users'];

export type Random = (below: number) => number;

/** Whole numbers below `below`, from a seed (mulberry32). */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const pick = <T>(items: readonly T[], random: Random): T => items[random(items.length)] as T;
const uid = (type: string, id: string) => ({ type, id });
const projectsOf = (random: Random) => [`p${random(50)}`, `p${random(50)}`];

/** Each group and each segment stands under ones of smaller number: 5 to 10 levels. */
function parentsOf(type: string, index: number, random: Random) {
  if (index === 0) return [];
  const direct = new Set(Array.from({ length: 1 + random(2) }, () => random(Math.ceil(index / 3))));
  return [...direct].map((parent) => uid(type, `${type[0]?.toLowerCase()}${parent}`));
}

export function entitiesOf(seed: number): EntityJson[] {
  const random = randomOf(seed);
  const list: EntityJson[] = [];
  for (let i = 0; i < groupCount; i += 1)
    list.push({ uid: uid('Group', `g${i}`), attrs: {}, parents: parentsOf('Group', i, random) });
  for (let i = 0; i < segmentCount; i += 1)
    list.push({ uid: uid('Segment', `s${i}`), attrs: {}, parents: parentsOf('Segment', i, random).slice(0, 1) });
  for (let i = 0; i < userCount; i += 1) {
    const groups = new Set(Array.from({ length: 1 + random(3) }, () => `g${random(groupCount)}`));
    list.push({
      uid: uid('User', `u${i}`),
      attrs: {
        status: random(50) === 0 ? 'suspended' : 'active',
        department: pick(departments, random),
        clearance: random(10),
        projects: projectsOf(random),
      },
      parents: [...groups].map((id) => uid('Group', id)),
    });
  }
  for (let i = 0; i < appCount; i += 1)
    list.push({
      uid: uid('App', `a${i}`),
      attrs: {
        sensitivity: pick(sensitivities, random),
        department: pick(departments, random),
        rank: random(10),
        projects: projectsOf(random),
        owner: { __entity: uid('User', `u${random(userCount)}`) },
      },
      parents: [uid('Segment', `s${random(segmentCount)}`)],
    });
  return list;
}

/** A policy in Cedar, and what has to hold for it in Rego. */
export interface BenchPolicy {
  readonly cedar: string;
  readonly effect: 'permit' | 'forbid';
  readonly rego: string;
}

const inGroup = (g: string) => `data.above[input.principal]["Group::${g}"]`;
const inSegment = (s: string) => `data.above[input.resource]["Segment::${s}"]`;

const broad: readonly BenchPolicy[] = [
  {
    effect: 'forbid',
    cedar: 'forbid(principal, action, resource) when { principal.status == "suspended" };',
    rego: 'user.status == "suspended"',
  },
  {
    effect: 'permit',
    cedar: `permit(principal, action == Action::"read", resource) when { resource.sensitivity == "low" && principal.department == resource.department };`,
    rego: `input.action == "read"\n app.sensitivity == "low"\n user.department == app.department`,
  },
  {
    effect: 'permit',
    cedar: `permit(principal, action in Action::"access", resource) when { principal.clearance > resource.rank && context.session.resistant };`,
    rego: `user.clearance > app.rank\n input.context.session.resistant`,
  },
  {
    effect: 'permit',
    cedar: 'permit(principal, action, resource) when { resource.owner == principal };',
    rego: 'app.owner == input.principal',
  },
  {
    effect: 'forbid',
    cedar: `forbid(principal, action == Action::"delete", resource) unless { context.session.bound && context.session.age < 900 };`,
    rego: `input.action == "delete"\n not fresh`,
  },
  {
    effect: 'forbid',
    cedar: `forbid(principal, action, resource) when { resource.sensitivity == "high" && !context.address.isInRange(ip("10.0.0.0/8")) };`,
    rego: `app.sensitivity == "high"\n not net.cidr_contains("10.0.0.0/8", input.context.address)`,
  },
];

type Make = (names: { g: string; s: string; u: string; a: string; n: number; project: string }) => BenchPolicy;

const specific: readonly Make[] = [
  ({ g, s }) => ({
    effect: 'permit',
    cedar: `permit(principal in Group::"${g}", action in Action::"access", resource in Segment::"${s}");`,
    rego: `${inGroup(g)}\n ${inSegment(s)}`,
  }),
  ({ g, s, n }) => ({
    effect: 'permit',
    cedar: `permit(principal in Group::"${g}", action == Action::"read", resource in Segment::"${s}") when { context.session.age < ${n * 60} && context.address.isInRange(ip("10.${n}.0.0/16")) };`,
    rego: `input.action == "read"\n ${inGroup(g)}\n ${inSegment(s)}\n input.context.session.age < ${n * 60}\n net.cidr_contains("10.${n}.0.0/16", input.context.address)`,
  }),
  ({ u, a }) => ({
    effect: 'permit',
    cedar: `permit(principal == User::"${u}", action, resource == App::"${a}");`,
    rego: `input.principal == "User::${u}"\n input.resource == "App::${a}"`,
  }),
  ({ g, a }) => ({
    effect: 'permit',
    cedar: `permit(principal in Group::"${g}", action, resource == App::"${a}") unless { resource.sensitivity == "high" };`,
    rego: `input.resource == "App::${a}"\n ${inGroup(g)}\n app.sensitivity != "high"`,
  }),
  ({ g, s }) => ({
    effect: 'forbid',
    cedar: `forbid(principal in Group::"${g}", action == Action::"write", resource in Segment::"${s}") when { !context.session.bound };`,
    rego: `input.action == "write"\n ${inGroup(g)}\n ${inSegment(s)}\n not input.context.session.bound`,
  }),
  ({ s, n }) => ({
    effect: 'permit',
    cedar: `permit(principal, action == Action::"read", resource in Segment::"${s}") when { principal.clearance >= ${n % 10} && principal.department == resource.department };`,
    rego: `input.action == "read"\n ${inSegment(s)}\n user.clearance >= ${n % 10}\n user.department == app.department`,
  }),
  ({ g, a }) => ({
    effect: 'forbid',
    cedar: `forbid(principal, action, resource == App::"${a}") when { context.route like "admin*" && !(principal in Group::"${g}") };`,
    rego: `input.resource == "App::${a}"\n startswith(input.context.route, "admin")\n not ${inGroup(g)}`,
  }),
  ({ g, s, project }) => ({
    effect: 'permit',
    cedar: `permit(principal is User in Group::"${g}", action, resource in Segment::"${s}") when { principal.projects.containsAny(resource.projects) && resource.projects.contains("${project}") };`,
    rego: `${inGroup(g)}\n ${inSegment(s)}\n some p in user.projects\n p in app.projects\n "${project}" in app.projects`,
  }),
  ({ u, n }) => ({
    effect: 'permit',
    cedar: `permit(principal == User::"${u}", action, resource) when { resource.rank < ${n % 10} };`,
    rego: `input.principal == "User::${u}"\n app.rank < ${n % 10}`,
  }),
];

/** `count` policies: six that concern every request, and the rest of nine outlines for groups, segments, users and apps at random. */
export function policiesOf(count: number, seed: number): BenchPolicy[] {
  const random = randomOf(seed);
  const list = [...broad];
  for (let i = 0; list.length < count; i += 1) {
    const names = {
      g: `g${random(groupCount)}`,
      s: `s${random(segmentCount)}`,
      u: `u${random(userCount)}`,
      a: `a${random(appCount)}`,
      n: 1 + random(250),
      project: `p${random(50)}`,
    };
    list.push((specific[i % specific.length] as Make)(names));
  }
  return list;
}

export function requestsOf(count: number, seed: number): DecisionRequest[] {
  const random = randomOf(seed);
  return Array.from({ length: count }, () => ({
    principal: uid('User', `u${random(userCount)}`),
    action: uid('Action', pick(actions, random)),
    resource: uid('App', `a${random(appCount)}`),
    context: {
      route: pick(routes, random),
      address: {
        __extn: { fn: 'ip', arg: `${random(4) === 0 ? 192 : 10}.${random(250)}.${random(4)}.${random(250)}` },
      },
      session: { bound: random(4) !== 0, age: random(20_000), resistant: random(3) === 0 },
    },
    entities: [],
  }));
}

/** The policies as one Rego module that gives allow and the deciding policies, as Cedar does. */
export function regoOf(policies: readonly BenchPolicy[]): string {
  const rules = policies.map(({ effect, rego }, index) => `${effect}s contains "policy${index}" if {\n ${rego}\n}`);
  return `package bench

user := data.entities[input.principal]
app := data.entities[input.resource]
fresh if {
 input.context.session.bound
 input.context.session.age < 900
}
${rules.join('\n')}
default allow := false
allow if {
 count(forbids) == 0
 count(permits) > 0
}
reasons := forbids if count(forbids) > 0
else := permits
decision := {"allow": allow, "reasons": reasons}
`;
}

const name = ({ type, id }: { type: string; id: string }) => `${type}::${id}`;

/** Attributes by name, and everything above each entity as a set (an object of true). */
export function regoDataOf(entities: readonly EntityJson[]): object {
  const parents = new Map(entities.map((entity) => [name(entity.uid), entity.parents.map(name)]));
  const above = (start: string) => {
    const found = new Set(parents.get(start));
    for (const each of found) for (const parent of parents.get(each) ?? []) found.add(parent);
    return Object.fromEntries([...found].map((each) => [each, true]));
  };
  const leaves = entities.filter(({ uid }) => uid.type === 'User' || uid.type === 'App');
  const attrs = ({ attrs: { owner, ...rest } }: EntityJson) =>
    owner === undefined
      ? rest
      : { ...rest, owner: name((owner as { __entity: { type: string; id: string } }).__entity) };
  return {
    entities: Object.fromEntries(leaves.map((entity) => [name(entity.uid), attrs(entity)])),
    above: Object.fromEntries(leaves.map(({ uid }) => [name(uid), above(name(uid))])),
  };
}

export function regoRequestOf({ principal, action, resource, context }: DecisionRequest): object {
  const { address, ...rest } = context as { address: { __extn: { arg: string } } };
  return {
    principal: name(principal),
    action: action.id,
    resource: name(resource),
    context: { ...rest, address: address.__extn.arg },
  };
}
