// Random policies, entities and requests, made along the types of a schema (and now and then against them), for comparing
// evaluators. Everything is text and JSON, as authors and callers write it.
import fc from 'fast-check';
import type { DecisionRequest, EntityJson, LosslessJson } from '#decision/engine';
import type { EntityUid } from '#foundation/model';
import { extensionQuestions } from '../../../tests/vectors/cedar-ways.ts';

export const fuzzSchema = `
entity G in [G];
entity U in [G] { n: Long, s: String, b: Bool, r: { a: Long, s?: String }, l: Set<Long>, f?: U, d: decimal } tags Long;
entity R in [G] { o: U, i: ipaddr, t: datetime, p: duration, us: Set<U> };
entity E enum ["x", "y"];
action all; action some in [all];
action go, stay in [some] appliesTo { principal: [U, E], resource: [R], context: { n: Long, s?: String, i?: ipaddr, t: datetime, us: Set<U>, e: E } };
`;

const ids = ['a', 'b', '"\\', 'é'];
const longs = [
  '0',
  '1',
  '2',
  '7',
  '-3',
  '86400000',
  '3037000500',
  '94906267',
  '9007199254740993',
  '9223372036854775807',
  '-9223372036854775808',
];
const strings = ['', 'a', 'aa', 'ab', 'a*b', 'é"\\', 'aab'];
const ips = [
  '10.0.0.1',
  '10.0.0.0/8',
  '127.0.0.1',
  '127.0.0.0/7',
  '::1',
  '224.0.0.0/4',
  'ff00::/8',
  'fe80::/10',
  '0.0.0.0/0',
  '::/0',
];
const times = [
  '2024-02-29',
  '1970-01-01T00:00:00Z',
  '1969-12-31T23:59:59.999Z',
  '2024-01-01T12:00:00.500+0530',
  '0000-01-01',
  '9999-12-31T23:59:59Z',
];
const spans = ['1d', '-1h30m', '0ms', '1d2h3m4s5ms', '-1ms', '106751991167d'];
const decimals = ['0.0', '1.5', '-0.0001', '922337203685477.5807', '12.3400'];
const wrong = [
  'ip("1.2.3")',
  'ip("1.2.3.4/33")',
  'ip("::1.2.3.4")',
  'ip("01.2.3.4")',
  'decimal("1")',
  'decimal("1.00000")',
  'datetime("2023-02-29")',
  'datetime("2024-01-01T25:00:00Z")',
  'duration("")',
  'duration("1s1m")',
  'duration("107000000000d")',
];

const quote = (text: string) => JSON.stringify(text);
const oneOf = (items: readonly string[]) => fc.constantFrom(...items);
const uidText = (type: string, from = ids) => oneOf(from).map((id) => `${type}::${quote(id)}`);
const call = (name: string, args: readonly string[]) => oneOf(args).map((arg) => `${name}(${quote(arg)})`);

type Kind =
  | 'bool'
  | 'long'
  | 'string'
  | 'user'
  | 'resource'
  | 'group'
  | 'record'
  | 'longs'
  | 'users'
  | 'ip'
  | 'time'
  | 'span'
  | 'decimal';
const kinds: readonly Kind[] = [
  'bool',
  'long',
  'string',
  'user',
  'resource',
  'group',
  'record',
  'longs',
  'users',
  'ip',
  'time',
  'span',
  'decimal',
];
type Parts = readonly (string | Kind)[];

/** For each type, the ways to make one: fixed text, and kinds (marked by \`$\`) to fill in. */
const ways: Record<Kind, readonly string[]> = {
  bool: [
    'true',
    'false',
    '$user.b',
    '!$bool',
    '($bool && $bool)',
    '($bool || $bool)',
    '($long == $long)',
    '($string == $string)',
    '($user == $user)',
    '($users == $users)',
    '($record == $record)',
    '($ip == $ip)',
    '($decimal == $decimal)',
    '($time != $time)',
    '($longs != $longs)',
    '($long < $long)',
    '($long <= $long)',
    '($long > $long)',
    '($long >= $long)',
    '($time < $time)',
    '($span >= $span)',
    '($user in $group)',
    '($resource in $group)',
    '($user in [$group, $group])',
    '($users.contains($user))',
    '($longs.contains($long))',
    '($longs.containsAll($longs))',
    '($users.containsAny($users))',
    '($longs.isEmpty())',
    '($user has f)',
    '($user has f.f.b)',
    '($user has r.s)',
    '($record has s)',
    '(context has s)',
    '(context has i)',
    '($user is U)',
    '($user is R)',
    '($user is U in $group)',
    '($string like "a*")',
    '($string like "*b")',
    '($string like "a\\*b")',
    '($string like "*a*b*")',
    '($string like "*a*a*")',
    '($string like "a*a")',
    ...extensionQuestions,
    '(action == Action::"go")',
    '(if $bool then $bool else $bool)',
    '(principal == $user)',
    '(context.e == E::"x")',
    '(principal is E)',
  ],
  long: [
    '$user.n',
    'context.n',
    '($long + $long)',
    '($long - $long)',
    '($long * $long)',
    '(-$long)',
    '(if $bool then $long else $long)',
    '$record.a',
    '($user.getTag($string))',
    '($span.toMilliseconds())',
    '($span.toSeconds())',
    '($span.toDays())',
    '($span.toHours())',
  ],
  string: ['$user.s', 'context.s', '$record.s', '(if $bool then $string else $string)'],
  user: ['principal', 'resource.o', '$user.f', '$resource.o', '(if $bool then $user else $user)'],
  resource: ['resource'],
  group: [],
  record: ['$user.r', '{a: $long}', '{a: $long, s: $string}', '{"s": $string, a: $long}'],
  longs: ['$user.l', '[$long, $long]', '[$long]'],
  users: ['context.us', 'resource.us', '[$user, $user]'],
  ip: ['resource.i', 'context.i'],
  time: ['resource.t', 'context.t', '($time.offset($span))', '($time.toDate())'],
  span: ['resource.p', '($time.durationSince($time))', '($time.toTime())'],
  decimal: ['principal.d'],
};

const leaves: Record<Kind, fc.Arbitrary<string>> = {
  bool: oneOf(['true', 'false']),
  long: oneOf(longs.map((text) => (text.startsWith('-') ? `(${text})` : text))),
  string: oneOf(strings).map(quote),
  user: fc.oneof(uidText('U'), fc.constant('principal')),
  resource: fc.oneof(uidText('R'), fc.constant('resource')),
  group: uidText('G'),
  record: fc.constant('{a: 1}'),
  longs: oneOf(['[1, 2, 1]', '[0]', '[9007199254740993, 7]']),
  users: oneOf(['[U::"a"]', '[U::"a", U::"b", U::"a"]']),
  ip: call('ip', ips),
  time: call('datetime', times),
  span: call('duration', spans),
  decimal: call('decimal', decimals),
};

function split(template: string): Parts {
  return template.split(/\$([a-z]+)/);
}

/** An expression of a kind; about one in eighty parts is of another kind, or cannot be made at all. */
function expression(kind: Kind, depth: number): fc.Arbitrary<string> {
  const right =
    depth === 0 || ways[kind].length === 0
      ? leaves[kind]
      : fc.oneof({ weight: 1, arbitrary: leaves[kind] }, { weight: 4, arbitrary: grown(kind, depth) });
  const stray = fc.oneof(
    oneOf(kinds).chain((other) => leaves[other as Kind]),
    oneOf(wrong),
  );
  return fc.oneof({ weight: 80, arbitrary: right }, { weight: 1, arbitrary: stray });
}

function grown(kind: Kind, depth: number): fc.Arbitrary<string> {
  return oneOf(ways[kind]).chain((template) => {
    const parts = split(template).map((part, index) =>
      index % 2 === 0 ? fc.constant(part) : expression(part as Kind, depth - 1),
    );
    return fc.tuple(...parts).map((texts) => texts.join(''));
  });
}

/** Mostly open, so that conditions are reached. */
const mostly = (open: string, others: fc.Arbitrary<string>) =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(open) }, { weight: 1, arbitrary: others });

const principalScope = mostly(
  'principal',
  fc.oneof(
    uidText('U').map((uid) => `principal == ${uid}`),
    uidText('G').map((uid) => `principal in ${uid}`),
    fc.constant('principal is U'),
    fc.constant('principal is E'),
    uidText('G').map((uid) => `principal is U in ${uid}`),
    uidText('U').map((uid) => `principal in ${uid}`),
  ),
);
const actionScope = mostly(
  'action',
  oneOf([
    'action == Action::"go"',
    'action in Action::"all"',
    'action in [Action::"stay", Action::"some"]',
    'action in []',
    'action == Action::"all"',
  ]),
);
const resourceScope = mostly(
  'resource',
  fc.oneof(
    uidText('R').map((uid) => `resource == ${uid}`),
    uidText('G').map((uid) => `resource in ${uid}`),
    uidText('G').map((uid) => `resource is R in ${uid}`),
    fc.constant('resource is U'),
  ),
);
const condition = fc
  .tuple(oneOf(['when', 'unless']), expression('bool', 4))
  .map(([word, body]) => `${word} { ${body} }`);

/** One policy as text. */
export const policyText = fc
  .tuple(oneOf(['permit', 'forbid']), principalScope, actionScope, resourceScope, fc.array(condition, { maxLength: 2 }))
  .map(
    ([effect, principal, action, resource, conditions]) =>
      `${effect}(${principal}, ${action}, ${resource}) ${conditions.join(' ')};`,
  );

const uid = (type: string): fc.Arbitrary<EntityUid> => oneOf(ids).map((id) => ({ type, id }));
const entity = (value: EntityUid): LosslessJson => ({ __entity: { type: value.type, id: value.id } });
const long = oneOf(longs).map(
  (text): LosslessJson => (Number.isSafeInteger(Number(text)) ? Number(text) : BigInt(text)),
);
const extension = (fn: string, args: readonly string[]) =>
  oneOf(args).map((arg): LosslessJson => ({ __extn: { fn, arg } }));
const users = fc.array(uid('U').map(entity), { maxLength: 3 });

/** Parents point only from later ids to earlier ones, so that there is no cycle. */
const parentsOf = (id: string) =>
  fc.subarray(ids.slice(0, ids.indexOf(id))).map((list) => list.map((parent) => ({ type: 'G', id: parent })));
const anyParents = fc.subarray(ids, { maxLength: 2 }).map((list) => list.map((parent) => ({ type: 'G', id: parent })));

const group = (id: string): fc.Arbitrary<EntityJson> =>
  parentsOf(id).map((parents) => ({ uid: { type: 'G', id }, attrs: {}, parents }));
const user = (id: string): fc.Arbitrary<EntityJson> =>
  fc.record({
    uid: fc.constant({ type: 'U', id }),
    attrs: fc.record(
      {
        n: long,
        s: oneOf(strings),
        b: fc.boolean(),
        r: fc.record({ a: long, s: oneOf(strings) }, { requiredKeys: ['a'] }),
        l: fc.array(long, { maxLength: 3 }),
        d: extension('decimal', decimals),
        f: uid('U').map(entity),
      },
      { requiredKeys: ['n', 's', 'b', 'r', 'l', 'd'] },
    ),
    parents: anyParents,
    tags: fc.dictionary(oneOf(strings), long, { maxKeys: 2 }),
  });
const resource = (id: string): fc.Arbitrary<EntityJson> =>
  fc.record({
    uid: fc.constant({ type: 'R', id }),
    attrs: fc.record({
      o: uid('U').map(entity),
      i: extension('ip', ips),
      t: extension('datetime', times),
      p: extension('duration', spans),
      us: users,
    }),
    parents: anyParents,
  });

const someEntities = (make: (id: string) => fc.Arbitrary<EntityJson>) =>
  fc.subarray(ids).chain((chosen) => fc.tuple(...chosen.map(make)));

/** A request with its entities; some entities that are spoken of do not exist. */
export const decisionRequest: fc.Arbitrary<DecisionRequest> = fc.record({
  principal: fc.oneof(
    { weight: 5, arbitrary: uid('U') },
    { weight: 1, arbitrary: oneOf(['x', 'y']).map((id) => ({ type: 'E', id })) },
  ),
  action: oneOf(['go', 'stay']).map((id) => ({ type: 'Action', id })),
  resource: uid('R'),
  context: fc.record(
    {
      n: long,
      s: oneOf(strings),
      i: extension('ip', ips),
      t: extension('datetime', times),
      us: users,
      e: oneOf(['x', 'y']).map((id) => entity({ type: 'E', id })),
    },
    { requiredKeys: ['n', 't', 'us', 'e'] },
  ),
  entities: fc.tuple(someEntities(group), someEntities(user), someEntities(resource)).map((lists) => lists.flat()),
});

/** Spoils a valid request in one place: what does not fit the schema must be refused by every evaluator. */
export const spoil: fc.Arbitrary<(request: DecisionRequest) => DecisionRequest> = fc.constantFrom<
  (request: DecisionRequest) => DecisionRequest
>(
  (request) => ({ ...request, principal: { type: 'G', id: 'a' } }),
  (request) => ({ ...request, principal: { type: 'E', id: 'z' } }),
  (request) => ({ ...request, action: { type: 'Action', id: 'some' } }),
  (request) => ({ ...request, action: { type: 'Action', id: 'fly' } }),
  (request) => ({ ...request, resource: { type: 'U', id: 'a' } }),
  (request) => ({ ...request, context: { ...request.context, extra: 1 } }),
  (request) => ({ ...request, context: { ...request.context, n: '1' } }),
  (request) => ({ ...request, context: { ...request.context, n: 9223372036854775808n } }),
  (request) => ({ ...request, context: { ...request.context, t: { __extn: { fn: 'ip', arg: '::1' } } } }),
  (request) => ({ ...request, context: { ...request.context, t: { __extn: { fn: 'datetime', arg: '2023-02-29' } } } }),
  (request) => ({ ...request, context: { ...request.context, e: { __entity: { type: 'E', id: 'z' } } } }),
  (request) => ({ ...request, context: { ...request.context, us: [{ __entity: { type: 'R', id: 'a' } }] } }),
  (request) => ({ ...request, context: { n: 1 } }),
  (request) => ({
    ...request,
    entities: [...request.entities, { uid: { type: 'G', id: 'new' }, attrs: { a: 1 }, parents: [] }],
  }),
  (request) => ({
    ...request,
    entities: [...request.entities, { uid: { type: 'G', id: 'new' }, attrs: {}, parents: [{ type: 'U', id: 'a' }] }],
  }),
  (request) => ({
    ...request,
    entities: [...request.entities, { uid: { type: 'G', id: 'new' }, attrs: {}, parents: [], tags: { a: 1 } }],
  }),
  (request) => ({
    ...request,
    entities: [...request.entities, { uid: { type: 'U', id: 'new' }, attrs: {}, parents: [] }],
  }),
  (request) => ({
    ...request,
    entities: [...request.entities, { uid: { type: 'Nothing', id: 'new' }, attrs: {}, parents: [] }],
  }),
  (request) => ({
    ...request,
    entities: [...request.entities, { uid: { type: 'E', id: 'z' }, attrs: {}, parents: [] }],
  }),
);
