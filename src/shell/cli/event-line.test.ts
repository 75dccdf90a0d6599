import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type EventView, eventLine } from './event-line.ts';

const request: EventView = {
  id: 'SohAkO-HLpdwp9pSfVuHsA',
  writer: 'gateway-1',
  seq: 64,
  time: Date.UTC(2026, 0, 31, 12),
  classUid: 4002,
  activityId: 2,
  severityId: 1,
  statusId: 1,
  subject: 'och9M4eEIW0dlBq87r3C5A',
  policySequence: 2,
  factRevision: 23,
  payload: {
    actor: { user: { uid: 'och9M4eEIW0dlBq87r3C5A', name: 'ada' } },
    http_request: { http_method: 'DELETE', url: { hostname: 'wiki.example.com', path: '/x' } },
    status_detail: 'Staff may change the wiki.',
    authorizations: [
      { decision: 'allow', policy: { uid: 'staff', is_applied: true } },
      { decision: 'deny', policy: { uid: 'no-deletes', is_applied: false } },
    ],
  },
  isDamaged: false,
};

test('eventLine() names who asked for what, the answer, and what policies in shadow would have said', () => {
  assert.equal(
    eventLine(request),
    '2026-01-31 12:00:00Z  allowed  ada  DELETE wiki.example.com/x  Staff may change the wiki.  in shadow: deny by no-deletes  gateway-1 4002  SohAkO-HLpdwp9pSfVuHsA',
  );
  assert.match(eventLine({ ...request, statusId: 2 }), /Z {2}refused {2}ada {2}/);
  assert.match(eventLine({ ...request, payload: null }), /erased/);
  assert.match(eventLine({ ...request, payload: null, isDamaged: true }), /damaged/);
});

test('eventLine() names the policies that failed', () => {
  const errors = [
    { id: 'overflows', message: 'integer overflow' },
    { id: '', message: 'no policy' },
  ];
  assert.match(
    eventLine({ ...request, payload: { ...request.payload, unmapped: { errors } } }),
    /no-deletes {2}failed: overflows \(integer overflow\) {2}gateway-1/,
  );
});

test('eventLine() tells the operation of a call of the API, and its outcome once', () => {
  const payload = {
    actor: { app_name: 'local-operator' },
    api: { operation: 'GET /api/v1/users' },
    message: 'refused: People',
  };
  assert.match(
    eventLine({ ...request, classUid: 6003, statusId: 2, payload }),
    /Z {2}refused {2}local-operator {2}GET \/api\/v1\/users {2}People {2}gateway-1 6003/,
  );
});

test('eventLine() tells who asked the PDP about whom, on what, and of a batch how many', () => {
  const payload = {
    actor: { app_name: 'till' },
    api: { operation: 'evaluation', service: { name: 'pdp' } },
    resources: [{ type: 'App', uid: 'wiki', name: 'wiki' }],
    unmapped: { action: 'read', subject: { type: 'User', id: 'och9M4eEIW0dlBq87r3C5A', name: 'ada' } },
  };
  const line = (changes: object) => eventLine({ ...request, classUid: 6003, payload: { ...payload, ...changes } });
  assert.match(line({}), /Z {2}allowed {2}till -> ada {2}evaluation read App wiki {2}/);
  const stranger = { subject: { type: 'user', id: 'nobody' }, count: 2, evaluations: [{ resources: ['a', 'b'] }] };
  const two = { subject: { type: 'user', id: 'ada@x', ambiguous: 'it could mean two people, so it means nobody' } };
  assert.match(line({ unmapped: two }), / {2}till -> ada@x \(ambiguous\) {2}/);
  assert.match(line({ resources: [], unmapped: stranger }), / {2}till -> nobody {2}evaluation of 2 {2}/);
});

test('eventLine() names both when somebody changes the account of another, once when it is their own', () => {
  const change = (user: object) =>
    eventLine({
      ...request,
      classUid: 3001,
      payload: { actor: { user: { name: 'ada' } }, user, message: 'suspended' },
    });
  assert.match(change({ uid: 'EoH', name: 'grace' }), /Z {2}done {5}ada -> grace {2}suspended {2}gateway-1 3001/);
  assert.match(change({ uid: 'och', name: 'ada' }), /Z {2}done {5}ada {2}suspended/);
});

test('eventLine() says nothing of who was erased, and nothing a terminal would obey', () => {
  const erased = eventLine({ ...request, payload: null, subject: null });
  assert.match(erased, /allowed {2}\(erased\) {2}\(erased\) {2}gateway-1/);
  const hostile = eventLine({
    ...request,
    payload: { status_detail: 'a\u001b[2J\nb', authorizations: [null, 'x', 7] },
  });
  assert.match(hostile, /och9M4eEIW0dlBq87r3C5A {2}a\ufffd\[2J\ufffdb/);
});
