import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tellTrouble } from './tell-trouble.ts';

test('tellTrouble() says the same once a minute with how often it was, and what is new at once', () => {
  const lines: string[] = [];
  let now = 1_000_000;
  const tell = tellTrouble(
    (line) => lines.push(line),
    () => now,
  );
  for (let time = 0; time < 5; time += 1) tell(new Error('the store is away'));
  tell('something else');
  assert.deepEqual(lines, ['control: the store is away', 'control: something else']);
  now += 60_000;
  tell(new Error('the store is away'));
  tell(new Error('the store is away'));
  assert.deepEqual(lines.slice(2), ['control: the store is away (and 4 times before)']);
  now -= 3_600_000;
  tell(new Error('the store is away'));
  assert.equal(lines.length, 4, 'a clock that was set back silences nothing');
});

test('tellTrouble() forgets the oldest where there is much to tell, and not the rest with it', () => {
  const lines: string[] = [];
  const tell = tellTrouble(
    (line) => lines.push(line),
    () => 1_000_000,
  );
  for (let index = 0; index <= 100; index += 1) tell(`trouble ${index}`);
  assert.equal(lines.length, 101);
  for (let index = 1; index <= 100; index += 1) tell(`trouble ${index}`);
  assert.equal(lines.length, 101, 'these are remembered');
  tell('trouble 0');
  assert.equal(lines.length, 102);
});
