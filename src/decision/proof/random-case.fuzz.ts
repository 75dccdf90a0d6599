// Random policies, requests and stores along one schema, for holding the encoder against the engine. Everything is text and JSON, as
// authors and callers write it. Values come from small pools, so that they often meet.
import * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import type { DecisionRequest, EntityJson, LosslessJson, PolicyJson } from '#decision/engine';
import type { EntityUid } from '#foundation/model';
import { extensionQuestions } from '../../../tests/vectors/cedar-ways.ts';

export const fuzzSchema = `
entity G in [G];
entity U in [G] { n: Long, s: String, b: Bool, r: { a: Long, s?: String }, l: Set<Long>, f?: U, d: decimal, gs: Set<G> } tags Long;
entity R in [G] { o: U, i: ipaddr, t: datetime, p: duration, us: Set<U>, ss: Set<String>, addrs: Set<ipaddr> };
entity E enum ["x", "y"];
action all;
action some in [all];
action go, stay in [some] appliesTo {
  principal: [U, E], resource: [R], context: { n: Long, s?: String, i?: ipaddr, t: datetime, us: Set<U>, e: E } };
action look in [all] appliesTo { principal: [U], resource: [U], context: { k: String } };
`;

/** Numbers from a seed (xorshift), so that every case can be had again. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = (seed * 2_654_435_761) >>> 0 || 1;
  }

  below(count: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    this.#state >>>= 0;
    return this.#state % count;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  }

  some<T>(items: readonly T[], most: number): T[] {
    return Array.from({ length: this.below(most + 1) }, () => this.pick(items));
  }
}

const ids = ['a', 'b', 'c'];
const longs = ['0', '1', '2', '-3', '3037000500', '9223372036854775807', '-9223372036854775808'];
const strings = ['', 'a', 'ab', 'b*', 'aab'];
const addresses = [
  '10.0.0.1',
  '10.0.0.0/8',
  '127.0.0.1',
  '127.0.0.0/7',
  '::1',
  '224.0.0.0/4',
  'ff00::/8',
  '0.0.0.0/0',
  '::/0',
];
const times = ['2024-02-29', '1970-01-01T00:00:00Z', '1969-12-31T23:59:59.999Z', '9999-12-31T23:59:59Z'];
const spans = ['1d', '-1h30m', '0ms', '-1ms', '106751991167d'];
const decimals = ['0.0', '1.5', '-0.0001', '922337203685477.5807'];

const quote = (text: string) => JSON.stringify(text);

/** For each kind, ways to make one from others (marked by `$`) and from the request. */
const ways: Readonly<Record<string, readonly string[]>> = {
  bool: [
    'true',
    'false',
    '$user.b',
    '!$bool',
    '($bool && $bool)',
    '($bool || $bool)',
    '(if $bool then $bool else $bool)',
    '($long == $long)',
    '($string == $string)',
    '($string != $string)',
    '($user == $user)',
    '($users == $users)',
    '($record == $record)',
    '($ip == $ip)',
    '($decimal == $decimal)',
    '($time == $time)',
    '($longs == $longs)',
    '($long < $long)',
    '($long <= $long)',
    '($time < $time)',
    '($span >= $span)',
    '($user in $group)',
    '(resource in $group)',
    '($group in $group)',
    '($user in [$group, $group])',
    '($user in $groups)',
    '($group in $groups)',
    '($user in $user)',
    '($users.contains($user))',
    '($longs.contains($long))',
    '($groups.contains($group))',
    '($texts.contains($string))',
    '($ips.contains($ip))',
    '($longs.containsAll($longs))',
    '($users.containsAll($users))',
    '($groups.containsAny($groups))',
    '($users.containsAny($users))',
    '($ips.containsAny($ips))',
    '($longs.isEmpty())',
    '($users.isEmpty())',
    '($texts.isEmpty())',
    '($user has f)',
    '($user has f.f.b)',
    '($user has r.s)',
    '($record has s)',
    '(context has s)',
    '(context has i)',
    '(principal is U)',
    '(principal is E)',
    '(principal is U in $group)',
    '($string like "a*")',
    '($string like "*b")',
    '($string like "a\\*b")',
    '($string like "*a*b*")',
    '($string like "b\\*")',
    ...extensionQuestions,
    '(action in Action::"all")',
    '(action == Action::"go")',
    '(principal == $user)',
    '(resource == $user)',
    '(context.e == E::"x")',
    '(context.e == principal)',
  ],
  long: [
    '$user.n',
    'context.n',
    '($long + $long)',
    '($long - $long)',
    '($long * 2)',
    '(-$long)',
    '(if $bool then $long else $long)',
    '$record.a',
    '($user.getTag($string))',
    '($span.toMilliseconds())',
    '($span.toSeconds())',
    '($span.toDays())',
  ],
  string: ['$user.s', 'context.s', 'context.k', '$record.s', '(if $bool then $string else $string)'],
  user: ['principal', 'resource', 'resource.o', '$user.f', '(if $bool then $user else $user)'],
  group: [],
  record: ['$user.r', '{a: $long}', '{a: $long, s: $string}', '(if $bool then $record else $record)'],
  longs: ['$user.l', '[$long, $long]', '[$long]', '(if $bool then $longs else $longs)'],
  users: ['context.us', 'resource.us', '[$user, $user]', '(if $bool then $users else $users)'],
  groups: ['$user.gs', '[$group, $group]', '(if $bool then $groups else $groups)'],
  texts: ['resource.ss', '[$string]'],
  ips: ['resource.addrs', '[$ip, $ip]'],
  ip: ['resource.i', 'context.i'],
  time: ['resource.t', 'context.t', '($time.offset($span))', '($time.toDate())'],
  span: ['resource.p', '($time.durationSince($time))', '($time.toTime())'],
  decimal: ['principal.d', '$user.d'],
};

function leaf(kind: string, dice: Dice): string {
  const uid = (type: string) => `${type}::${quote(dice.pick(ids))}`;
  const call = (name: string, texts: readonly string[]) => `${name}(${quote(dice.pick(texts))})`;
  switch (kind) {
    case 'bool':
      return dice.pick(['true', 'principal.b', 'context.n > 1']);
    case 'long':
      return `(${dice.pick(longs)})`;
    case 'string':
      return quote(dice.pick(strings));
    case 'user':
      return dice.pick(['principal', uid('U')]);
    case 'group':
      return uid('G');
    case 'record':
      return '{a: 1}';
    case 'longs':
      return '[1, 2, 1]';
    case 'users':
      return `[${uid('U')}]`;
    case 'groups':
      return `[${uid('G')}]`;
    case 'texts':
      return '["a", "ab"]';
    case 'ips':
      return `[${call('ip', addresses)}]`;
    case 'ip':
      return call('ip', addresses);
    case 'time':
      return call('datetime', times);
    case 'span':
      return call('duration', spans);
    default:
      return call('decimal', decimals);
  }
}

/** An expression of a kind, mostly well typed. */
export function expression(kind: string, { dice, depth }: { dice: Dice; depth: number }): string {
  const templates = ways[kind] ?? [];
  if (depth === 0 || templates.length === 0 || dice.below(6) === 0) return leaf(kind, dice);
  return dice
    .pick(templates)
    .replace(/\$([a-z]+)/g, (_all, part: string) => expression(part, { dice, depth: depth - 1 }));
}

/** Head and conditions, to be put behind a policy's or an invariant's first word. */
export function body(dice: Dice, depth = 3): string {
  const uid = (type: string) => `${type}::${quote(dice.pick(ids))}`;
  const rarely = (open: string, others: readonly string[]) => (dice.below(3) > 0 ? open : dice.pick(others));
  const principal = rarely('principal', [
    `principal == ${uid('U')}`,
    `principal in ${uid('G')}`,
    'principal is U',
    `principal is U in ${uid('G')}`,
    `principal in ${uid('U')}`,
  ]);
  const action = rarely('action', [
    'action == Action::"go"',
    'action in Action::"all"',
    'action in [Action::"stay", Action::"look"]',
  ]);
  const resource = rarely('resource', [
    `resource == ${uid('R')}`,
    `resource in ${uid('G')}`,
    `resource is R in ${uid('G')}`,
    'resource is U',
  ]);
  const conditions = Array.from(
    { length: dice.below(3) },
    () => `${dice.pick(['when', 'unless'])} { ${expression('bool', { dice, depth })} }`,
  );
  return `(${principal}, ${action}, ${resource}) ${conditions.join(' ')};`;
}

const uidJson = (type: string, id: string): EntityUid => ({ type, id });
const entityJson = (type: string, id: string): LosslessJson => ({ __entity: { type, id } });
const extension = (fn: string, arg: string): LosslessJson => ({ __extn: { fn, arg } });

function long(dice: Dice): LosslessJson {
  const value = BigInt(dice.pick(longs));
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

const userIds = [...ids, 'd'];

function user(id: string, dice: Dice): EntityJson {
  const hasFriend = dice.below(2) === 0 ? { f: entityJson('U', dice.pick(userIds)) } : {};
  const hasNote = dice.below(2) === 0 ? { s: dice.pick(strings) } : {};
  return {
    uid: uidJson('U', id),
    attrs: {
      n: long(dice),
      s: dice.pick(strings),
      b: dice.below(2) === 0,
      r: { a: long(dice), ...hasNote },
      l: Array.from({ length: dice.below(3) }, () => long(dice)),
      d: extension('decimal', dice.pick(decimals)),
      gs: dice.some(ids, 2).map((group) => entityJson('G', group)),
      ...hasFriend,
    },
    parents: [...new Set(dice.some(ids, 2))].map((group) => uidJson('G', group)),
    tags: Object.fromEntries(dice.some(strings, 2).map((name) => [name, long(dice)])),
  };
}

function resource(id: string, dice: Dice): EntityJson {
  return {
    uid: uidJson('R', id),
    attrs: {
      o: entityJson('U', dice.pick(userIds)),
      i: extension('ip', dice.pick(addresses)),
      t: extension('datetime', dice.pick(times)),
      p: extension('duration', dice.pick(spans)),
      us: dice.some(userIds, 2).map((each) => entityJson('U', each)),
      ss: dice.some(strings, 2),
      addrs: dice.some(addresses, 2).map((each) => extension('ip', each)),
    },
    parents: [...new Set(dice.some(ids, 2))].map((group) => uidJson('G', group)),
  };
}

/** Parents point only to earlier ids, so that there is no cycle. */
function group(id: string, dice: Dice): EntityJson {
  const earlier = ids.slice(0, ids.indexOf(id)).filter(() => dice.below(2) === 0);
  return { uid: uidJson('G', id), attrs: {}, parents: earlier.map((parent) => uidJson('G', parent)) };
}

/** A request with its store, fitting the schema; some of those spoken of are not in it. */
export function randomRequest(dice: Dice): DecisionRequest {
  const entities = [
    ...ids.filter(() => dice.below(4) > 0).map((id) => group(id, dice)),
    ...ids.filter(() => dice.below(5) > 0).map((id) => user(id, dice)),
    ...ids.filter(() => dice.below(5) > 0).map((id) => resource(id, dice)),
  ];
  if (dice.below(4) === 0) {
    const action = uidJson('Action', 'look');
    const [principal, asked] = [uidJson('U', dice.pick(userIds)), uidJson('U', dice.pick(ids))];
    return { principal, action, resource: asked, context: { k: dice.pick(strings) }, entities };
  }
  const context = {
    n: long(dice),
    t: extension('datetime', dice.pick(times)),
    us: dice.some(userIds, 2).map((each) => entityJson('U', each)),
    e: entityJson('E', dice.pick(['x', 'y'])),
    ...(dice.below(2) === 0 ? { s: dice.pick(strings) } : {}),
    ...(dice.below(2) === 0 ? { i: extension('ip', dice.pick(addresses)) } : {}),
  };
  return {
    principal: dice.below(5) === 0 ? uidJson('E', dice.pick(['x', 'y'])) : uidJson('U', dice.pick(userIds)),
    action: uidJson('Action', dice.pick(['go', 'stay'])),
    resource: uidJson('R', dice.pick(ids)),
    context,
    entities,
  };
}

/** The parser rounds; the pool has just two numbers that it can round. */
function exact(json: unknown): unknown {
  if (typeof json === 'number' && !Number.isSafeInteger(json)) return json > 0 ? 2n ** 63n - 1n : -(2n ** 63n);
  if (Array.isArray(json)) return json.map(exact);
  if (typeof json !== 'object' || json === null) return json;
  return Object.fromEntries(Object.entries(json).map(([key, item]) => [key, exact(item)]));
}

/** A policy as JSON, parsed but not validated. */
export function exactPolicy(text: string): PolicyJson {
  const answer = cedar.policyToJson(text);
  if (answer.type === 'failure') throw new Error(`${text}: ${JSON.stringify(answer.errors)}`);
  return exact({ annotations: {}, ...answer.json }) as PolicyJson;
}
