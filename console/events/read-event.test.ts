import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventView } from '../api/shapes.ts';
import { matches, readEvent } from './read-event.ts';

const header = {
  id: 'e1',
  time: 1,
  writer: 'gateway-1',
  seq: 1,
  activityId: 1,
  severityId: 1,
  policySequence: 1,
  factRevision: 1,
  isDamaged: false,
};
const request: EventView = {
  ...header,
  classUid: 4002,
  statusId: 2,
  payload: {
    actor: { user: { uid: 'u-ada', name: 'ada' } },
    http_request: { http_method: 'GET', url: { hostname: 'wiki.localhost', path: '/admin' } },
    status_detail: 'Only administrators.',
  },
};

test('readEvent() tells who asked for what, where, and why not', () => {
  assert.deepEqual(readEvent(request), {
    what: 'Request GET /admin',
    who: 'ada',
    where: 'wiki.localhost',
    outcome: 'deny',
    words: 'Only administrators.',
  });
});

test('readEvent() tells the end of running access from a refused request', () => {
  const payload = { ...request.payload, unmapped: { request: 'e0', cut: 'session-ended' } };
  assert.equal(readEvent({ ...request, payload }).what, 'Access ended GET /admin');
});

test('readEvent() tells who asked the PDP about whom, on what, and of a batch how many', () => {
  const asked: EventView = {
    ...header,
    classUid: 6003,
    statusId: 1,
    payload: {
      actor: { app_name: 'till' },
      api: { operation: 'evaluation', service: { name: 'pdp' } },
      dst_endpoint: { svc_name: 'pdp' },
      resources: [{ type: 'App', uid: 'wiki', name: 'wiki' }],
      unmapped: { action: 'read', subject: { type: 'User', id: 'u-ada', name: 'ada' } },
    },
  };
  const { what, who, where } = readEvent(asked);
  assert.deepEqual([what, who, where], ['Decision evaluation read', 'till → ada', 'App wiki']);
  const two = { subject: { type: 'user', id: 'ada@x', ambiguous: 'it could mean two people' } };
  assert.equal(readEvent({ ...asked, payload: { ...asked.payload, unmapped: two } }).who, 'till → ada@x (ambiguous)');
  const batch = { subject: { type: 'user', id: 'nobody' }, count: 2, evaluations: [{ resources: ['a', 'b'] }] };
  const line = readEvent({ ...asked, payload: { ...asked.payload, resources: [], unmapped: batch } });
  assert.deepEqual([line.what, line.who, line.where], ['Decision evaluation of 2', 'till → nobody', 'pdp']);
});

test('readEvent() reads administrative changes and programs', () => {
  const change: EventView = {
    ...header,
    classUid: 3004,
    statusId: 1,
    payload: { actor: { app_name: 'local-operator' }, entity: { type: 'resource', uid: 'wiki' }, message: 'made' },
  };
  assert.deepEqual(readEvent(change), {
    what: 'Change',
    who: 'local-operator',
    where: 'resource wiki',
    outcome: 'allow',
    words: 'made',
  });
});

test('readEvent() stands payloads that were erased or hold anything', () => {
  assert.equal(readEvent({ ...request, payload: null }).who, 'erased');
  assert.equal(readEvent({ ...request, payload: null, isDamaged: true }).who, 'damaged');
  for (const odd of [{ actor: 'x' }, { actor: { user: [] } }, { http_request: null }, { web_resources: [null] }]) {
    assert.equal(typeof readEvent({ ...request, payload: odd }).what, 'string');
  }
});

test('matches() looks where a reader would, whatever the case', () => {
  assert.ok(matches(request, 'ADA') && matches(request, '/admin') && matches(request, ' ') && matches(request, 'e1'));
  assert.ok(!matches(request, 'grace'));
});
