import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readStage, stageWords, statesWords } from './stage-words.ts';

test('readStage() reads a share, segments and groups, and nothing else', () => {
  assert.deepEqual(readStage('percent', ' 25 % '), { percent: 25 });
  assert.deepEqual(readStage('segments', 'pci, internal'), { segments: ['pci', 'internal'] });
  assert.deepEqual(readStage('groups', 'ops'), { groups: ['ops'] });
  for (const text of ['', '101', '-1', '1.5', 'many']) assert.equal(readStage('percent', text), undefined, text);
  assert.equal(readStage('groups', ' , '), undefined);
});

test('statesWords() says what is not enforced for everyone', () => {
  assert.equal(
    statesWords([
      { id: 'a', state: 'shadow' },
      { id: 'b', state: 'staged', stage: { percent: 5 } },
    ]),
    'a in shadow; b for 5% of subjects',
  );
  assert.equal(stageWords({ groups: ['x', 'y'] }), 'groups x, y');
});
