import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { httpActivity, type VerdictInput, WrittenPrincipal, writeHttpActivity } from '#evidence/log';
import { AccessReader, recordedQuestion } from '#evidence/log/recorded';
import { type PlacedText, readable } from '../known-bytes.ts';

/** A payload among bytes that must not be looked at. */
function placed(payload: string): PlacedText {
  const before = 'x,"actor":';
  const bytes = Buffer.from(`${before}${payload},"path":"/y","src_endpoint":{"ip":"1.2.3.4"}`);
  return { ...readable(bytes), start: before.length, end: before.length + Buffer.byteLength(payload) };
}

const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom(
    ',"src_endpoint":{"ip":',
    '","http_request":{"http_method":"GET',
    ',"path":"/x"',
    ',"actor":{"session":{"uid":"x"}}',
    '10.0.0.1"},"dst_endpoint":{',
    '"}},"unmapped":{"action":"delete"',
    '\\',
    '…',
  ),
);
const input = fc.record({
  reasons: fc.array(hostile, { maxLength: 2 }),
  words: fc.array(hostile, { maxLength: 2 }),
  answer: fc.constantFrom<VerdictInput['answer']>('allow', 'deny', 'indeterminate'),
  errors: fc.array(fc.record({ id: hostile, message: hostile }), { maxLength: 1 }),
  name: hostile,
  email: hostile,
  sessionId: fc.option(hostile, { nil: undefined }),
  type: fc.constantFrom('User' as const, 'Workload' as const, 'Anonymous' as const),
  method: fc.constantFrom('GET', 'POST', 'PROPFIND'),
  scheme: fc.constantFrom('http' as const, 'https' as const, 'wss' as const),
  hostname: hostile,
  port: fc.option(fc.nat(), { nil: undefined }),
  path: hostile.map((text) => `/${text}`),
  userAgent: fc.option(hostile, { nil: undefined }),
  address: fc.oneof(fc.constantFrom('10.0.0.1', '::1', ''), hostile),
  resource: fc.constantFrom('wiki', 'shop'),
  action: fc.constantFrom('read', 'write', 'fly'),
  route: hostile,
  token: fc.option(hostile, { nil: undefined }),
  message: fc.option(hostile, { nil: undefined }),
});

test('AccessReader reads from the text what recordedQuestion() reads from the parsed payload, whatever clients sent', () => {
  const reader = new AccessReader();
  fc.assert(
    fc.property(input, (each) => {
      const { reasons, words, answer, errors, name, email, sessionId, type, scheme, hostname, port, path, token } =
        each;
      const { action, route, message, userAgent, ...rest } = each;
      const common = {
        id: 'e',
        time: 5,
        policySequence: 1,
        factRevision: 1,
        principal: new WrittenPrincipal({ type, uid: 'u', name, email, sessionId }),
        method: rest.method,
        url: { scheme, hostname, port, path },
        userAgent,
        address: rest.address,
        resource: rest.resource,
        verdict: { answer, reasons, words, errors },
        unmapped: { action, route, ...(token === undefined ? {} : { token }) },
        ...(message === undefined ? {} : { message }),
      };
      const slow = recordedQuestion({
        ...httpActivity(common),
        payload: JSON.parse(JSON.stringify(httpActivity(common).payload)),
      });
      const quick = reader.read(placed(writeHttpActivity(common).payload), 5);
      if (typeof slow === 'string' || typeof quick === 'string') assert.equal(quick, slow);
      else {
        const { user, token: shown, question: asked, ...others } = quick;
        const { asker, action, resource, request } = asked;
        assert.deepEqual({ question: { asker, action, resource, request }, ...others }, slow);
        assert.deepEqual(user, type === 'User' ? { id: 'u', name } : null);
        assert.equal(shown, token ?? null);
      }
    }),
    { numRuns: 2000 },
  );
});

test('AccessReader takes counts of strangers and ended accesses for no questions', () => {
  const reader = new AccessReader();
  assert.equal(reader.read(placed('{"action_id":2,"count":7,"http_request":{},"actor":{}}'), 1), 'counted');
  assert.equal(reader.read(placed('{}'), 1), 'other');
  assert.equal(reader.read(placed('not json'), 1), 'other');
});
