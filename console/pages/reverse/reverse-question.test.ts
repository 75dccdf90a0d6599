import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reverseQuestionIn } from './reverse-question.ts';

test('reverseQuestionIn() reads who can, with what is usual where nothing is said', () => {
  assert.deepEqual(reverseQuestionIn(new URLSearchParams('resource=wiki')), {
    ask: 'who',
    action: 'read',
    resource: 'wiki',
    route: '',
    answer: 'allow',
    q: '',
  });
});

test('reverseQuestionIn() reads what somebody can, and no answer that there is not', () => {
  assert.deepEqual(reverseQuestionIn(new URLSearchParams('ask=what&user=u1&answer=perhaps')), {
    ask: 'what',
    user: 'u1',
    answer: 'allow',
    q: '',
  });
  assert.equal(reverseQuestionIn(new URLSearchParams('ask=what')), undefined);
  assert.equal(reverseQuestionIn(new URLSearchParams('')), undefined);
});
