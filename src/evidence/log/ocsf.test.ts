import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  accountChange,
  apiActivity,
  applicationError,
  applicationLifecycle,
  authentication,
  authorizeSession,
  entityManagement,
  httpActivity,
  type LogRecord,
  ocsfUrl,
  printable,
  StrangerTally,
  toOcsf,
  userAccess,
} from '#evidence/log';
import type { JournalEvent } from '#foundation/model';
import { ocsfFaults } from '../../../tests/fakes/ocsf-schema.ts';
import { journalRepaired } from './journal-repaired.ts';

const stamp = { id: 'AAAAAAAAAAAAAAAAAAAAAA', time: 1_800_000_000_000, policySequence: 3, factRevision: 70 };
const ada = { uid: 'u-ada', name: 'ada', email: 'ada@example.com' };
const principal = { type: 'User', ...ada, sessionId: 's-1' } as const;
const anonymous = { type: 'Anonymous', uid: 'anonymous' } as const;
const operator = { type: 'Workload', uid: 'local-operator' } as const;
const allowed = { answer: 'allow', reasons: ['everyone-reads'], words: [] } as const;
const broken = { answer: 'indeterminate', reasons: [], words: ['No.'], errors: [{ id: 'p', message: 'm' }] } as const;
const url = { scheme: 'https', hostname: 'wiki.example.com', path: '/a/b' } as const;

function record(event: JournalEvent): LogRecord {
  const payload = JSON.parse(JSON.stringify(event.payload)) as Record<string, unknown>;
  return { ...event, writer: 'gateway-1', seq: 5, pseudonym: 'p', payload, isDamaged: false };
}

const http = { ...stamp, principal, method: 'GET', url, address: '10.0.0.1', resource: 'wiki', verdict: allowed };
const identity = { ...stamp, user: ada, outcome: 'success', message: 'done', address: '10.0.0.1' } as const;
const denials = new StrangerTally({ now: () => 1_800_000_000_000, random: (count) => new Uint8Array(count) });
denials.note({ answer: 'deny', resource: 'wiki', reason: 'not signed in', policies: [], address: '10.0.0.1' });
denials.note({ answer: 'allow', resource: 'id', reason: 'default', policies: ['sign-in-is-public'], address: '::1' });

const events: Record<string, JournalEvent> = {
  'httpActivity() of a user': httpActivity({
    ...http,
    userAgent: 'curl/8',
    statusCode: 200,
    unmapped: { action: 'read' },
  }),
  'httpActivity() of a stranger that could not be judged': httpActivity({
    ...http,
    principal: anonymous,
    method: 'BREW',
    resource: null,
    verdict: broken,
  }),
  'authentication() that succeeded': authentication({
    ...identity,
    activity: 'logon',
    credential: 'passkey',
    phishingResistant: true,
    sessionId: 's-1',
  }),
  'authentication() of a name nobody has': authentication({
    ...identity,
    user: null,
    outcome: 'failure',
    activity: 'logon',
    credential: 'passkey',
    phishingResistant: false,
  }),
  'authorizeSession()': authorizeSession({ ...identity, sessionId: 's-1', groups: ['everyone'] }),
  'accountChange()': accountChange({ ...identity, activity: 'disable', by: operator }),
  'accountChange() of another kind': accountChange({ ...identity, activity: 'other' }),
  'userAccess()': userAccess({
    ...identity,
    activity: 'assign',
    resource: { type: 'App', name: 'wiki' },
    privileges: ['access'],
  }),
  'entityManagement()': entityManagement({
    ...stamp,
    by: operator,
    activity: 'create',
    entity: { type: 'resource', uid: 'wiki' },
    outcome: 'success',
    message: 'made',
    comment: 'why',
  }),
  'apiActivity()': apiActivity({
    ...stamp,
    by: principal,
    method: 'POST',
    operation: 'POST /api/v1/sessions/{id}/revoke',
    resource: { type: 'session', uid: 's-1' },
    address: '10.0.0.1',
    verdict: allowed,
    statusCode: 200,
  }),
  'apiActivity() over the control socket': apiActivity({
    ...stamp,
    by: operator,
    method: 'BREW',
    operation: 'BREW /',
    address: 'local',
    verdict: broken,
  }),
  'applicationLifecycle()': applicationLifecycle({
    ...stamp,
    activity: 'start',
    process: 'gateway-1',
    outcome: 'success',
    message: 'started',
  }),
  'applicationError()': applicationError({ ...stamp, process: 'control', severityId: 4, code: 'io', message: 'm' }),
  'journalRepaired()': journalRepaired({ seq: 4, bytes: 10 }, { id: stamp.id, time: 1, writer: 'control' }),
};
for (const [index, event] of denials.drain(stamp).entries()) events[`StrangerTally drain() ${index}`] = event;

for (const [name, event] of Object.entries(events)) {
  test(`${name} gives a valid OCSF event`, () => {
    assert.deepEqual(ocsfFaults(toOcsf(record(event), { productVersion: '1.2.3' })), []);
  });
}

test('an event of ours is found faulty when it lacks a required attribute, so the checks above mean something', () => {
  const { user: _, ...rest } = toOcsf(record(events['authorizeSession()'] ?? assert.fail()), { productVersion: '1' });
  assert.deepEqual(ocsfFaults(rest), ['event.user is required']);
});

test('httpActivity() never keeps the query of a URL, nor what a caller leaves in the path by mistake', () => {
  const event = httpActivity({ ...http, url: { ...url, path: '/reset?token=hunter2#hunter3' } });
  assert.ok(!JSON.stringify(event).includes('hunter'));
  assert.deepEqual(ocsfUrl(url), { scheme: 'https', hostname: 'wiki.example.com', path: '/a/b' });
});

test('what a client sends stays data: line breaks and quotes cannot end the line of an exported event', () => {
  const userAgent = 'x"}\n{"class_uid":3002,"status_id":1}\r\n\u2028';
  const line = JSON.stringify(toOcsf(record(httpActivity({ ...http, userAgent })), { productVersion: '1' }));
  assert.equal(line.split(/[\r\n]/).length, 1);
  assert.equal(JSON.parse(line).http_request.user_agent, userAgent);
  assert.equal(JSON.parse(line).class_uid, 4002);
});

test('a payload cannot override what the header says', () => {
  const forged = {
    ...record(events['accountChange()'] ?? assert.fail()),
    payload: { class_uid: 1, time: 1, metadata: {} },
  };
  const event = toOcsf(forged, { productVersion: '1' });
  assert.equal(event['class_uid'], 3001);
  assert.equal(event['time'], 1_800_000_000_000);
});

test('printable() takes from text whatever acts on a terminal', () => {
  assert.equal(printable('a\u001b[31mred\u0007\u009b2J\u202etxt\nb\r\u200b'), 'a�[31mred��2J�txt�b��');
});

test('StrangerTally makes one event of many requests and stays within its memory', () => {
  let now = 1_800_000_000_000;
  const tallies = new StrangerTally({ now: () => now, random: (count) => new Uint8Array(count), keysMax: 3 });
  for (let index = 0; index < 1000; index += 1) {
    now += 1;
    tallies.note({
      answer: 'deny',
      policies: [],
      resource: index % 2 === 0 ? 'wiki' : null,
      reason: 'not signed in',
      address: `10.0.0.${index % 200}`,
    });
  }
  for (let index = 0; index < 500; index += 1) {
    tallies.note({ answer: 'deny', resource: `r${index}`, reason: 'other', policies: [], address: '::1' });
  }
  const drained = tallies.drain(stamp);
  assert.deepEqual(
    drained.map((event) => event.payload['count']),
    [500, 500, 1, 499],
  );
  assert.ok(JSON.stringify(drained).length < 10_000);
  assert.deepEqual(tallies.drain(stamp), []);
});
