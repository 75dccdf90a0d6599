import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type HttpActivityInput, httpActivity, WrittenPrincipal, writeHttpActivity } from '#evidence/log';

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('"', '\\', '\n', '\u2028', '\ud800', '</script>', '?q=1', '#f', '', 'x'.repeat(3000)),
);
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const principal = fc.record(
  {
    type: fc.constantFrom('User', 'Workload', 'Anonymous'),
    uid: text,
    name: maybe(text),
    email: maybe(text),
    sessionId: maybe(text),
  },
  { requiredKeys: ['type', 'uid'] },
);
const verdict = fc.record(
  {
    answer: fc.constantFrom('allow', 'deny', 'indeterminate'),
    reasons: fc.array(text, { maxLength: 3 }),
    words: fc.array(text, { maxLength: 3 }),
    errors: fc.array(fc.record({ id: text, message: text }), { maxLength: 2 }),
    shadow: fc.array(fc.record({ policy: text, answer: fc.constantFrom('allow', 'deny', 'indeterminate') }), {
      maxLength: 2,
    }),
  },
  { requiredKeys: ['answer', 'reasons', 'words'] },
);
const input = fc.record(
  {
    id: fc.constant('AAAAAAAAAAAAAAAAAAAAAA'),
    time: fc.nat(),
    policySequence: fc.nat(),
    factRevision: fc.nat(),
    principal,
    method: fc.oneof(fc.constantFrom('GET', 'POST', 'PATCH', 'TRACE', 'constructor'), text),
    url: fc.record(
      {
        scheme: fc.constantFrom('http', 'https', 'ws', 'wss'),
        hostname: text,
        port: maybe(fc.nat({ max: 65_535 })),
        path: text,
      },
      { requiredKeys: ['scheme', 'hostname', 'path'] },
    ),
    userAgent: maybe(text),
    address: text,
    resource: fc.option(text, { nil: null }),
    verdict,
    unmapped: maybe(fc.dictionary(text, text, { maxKeys: 3 })),
    statusCode: maybe(fc.nat({ max: 599 })),
    message: maybe(text),
  },
  {
    requiredKeys: [
      'id',
      'time',
      'policySequence',
      'factRevision',
      'principal',
      'method',
      'url',
      'address',
      'resource',
      'verdict',
    ],
  },
) as unknown as fc.Arbitrary<HttpActivityInput>;

test('writeHttpActivity() writes byte for byte what httpActivity() builds, whatever a client sends', () => {
  fc.assert(
    fc.property(input, (given) => {
      const each = { ...given, principal: new WrittenPrincipal(given.principal) };
      const written = () => {
        const { principal: _, ...event } = writeHttpActivity(each);
        return event;
      };
      const built = httpActivity(given);
      const expected = { ...built, payload: JSON.stringify(built.payload) };
      assert.deepEqual(written(), expected);
      // Again, from what is remembered of principal and verdict; and with the answer changed under the same reasons.
      assert.deepEqual(written(), expected);
      const other = {
        ...each,
        policySequence: each.policySequence + 1,
        verdict: { ...each.verdict, words: ['other'] },
      };
      assert.equal(writeHttpActivity(other).payload, JSON.stringify(httpActivity(other).payload));
      assert.ok(!expected.payload.includes('\n'));
    }),
    { numRuns: 1_000 },
  );
});

test('what is remembered of a place is told of nothing that is asked in another way', () => {
  const base = {
    id: 'AAAAAAAAAAAAAAAAAAAAAA',
    time: 1,
    policySequence: 2,
    factRevision: 3,
    principal: new WrittenPrincipal({ type: 'User', uid: 'ada', name: 'Ada' }),
    method: 'GET',
    url: { scheme: 'https', hostname: 'wiki.test', port: undefined, path: '/' },
    address: '192.0.2.7',
    resource: 'wiki',
    verdict: { answer: 'allow', reasons: ['staff'], words: ['Staff may.'] },
    unmapped: { action: 'read', route: 'default' },
    place: {},
  } as const;
  const ways = [
    { method: 'PUT' },
    { url: { ...base.url, scheme: 'wss' } },
    { url: { ...base.url, port: 8443 } },
    { url: { ...base.url, path: '/other' } },
    { unmapped: { ...base.unmapped, action: 'write' } },
    { unmapped: { ...base.unmapped, route: 'other' } },
    { address: '2001:db8::1', userAgent: 'other' },
    { principal: new WrittenPrincipal({ type: 'User', uid: 'ben', name: 'Ben' }) },
    { place: {}, resource: null, url: { ...base.url, hostname: 'other.test' } },
  ] as const;
  for (const way of ways) {
    for (const asked of [base, { ...base, ...way }, base]) {
      assert.equal(writeHttpActivity(asked).payload, JSON.stringify(httpActivity(asked).payload), JSON.stringify(way));
    }
  }
});
