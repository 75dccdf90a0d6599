import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askedIn, questionIn, shownQuestion } from './question-in.ts';

test('questionIn() reads an event id before anything else', () => {
  assert.deepEqual(questionIn(new URLSearchParams('event=abc&user=u')), { event: 'abc' });
});

test('questionIn() needs who and where', () => {
  assert.equal(questionIn(new URLSearchParams('')), undefined);
  assert.equal(questionIn(new URLSearchParams('user=u')), undefined);
  assert.deepEqual(questionIn(new URLSearchParams('user=u&resource=wiki')), {
    user: 'u',
    resource: 'wiki',
    action: 'read',
  });
  assert.deepEqual(questionIn(new URLSearchParams('user=u&resource=wiki&action=write&path=/a')), {
    user: 'u',
    resource: 'wiki',
    action: 'write',
    path: '/a',
  });
});

test('askedIn() flattens a question and writes entities as Cedar does', () => {
  assert.deepEqual(
    askedIn({ resource: { type: 'App', id: 'wiki' }, request: { path: '/a', noun: '' }, n: 1, none: null }),
    [
      ['resource', 'App::"wiki"'],
      ['request.path', '/a'],
      ['n', '1'],
    ],
  );
  assert.deepEqual(askedIn('x'), []);
});

test('shownQuestion() leaves out of a journal record what is not the question', () => {
  const record = {
    event: 'e1',
    time: 5,
    actor: { user: { name: 'ada', uid: 'u' } },
    http_request: { url: { path: '/a' } },
    profiles: ['x'],
  };
  assert.deepEqual(shownQuestion(record), [
    ['who', 'ada'],
    ['path', '/a'],
  ]);
});
