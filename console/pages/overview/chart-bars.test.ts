import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chartBars, niceCeiling } from './chart-bars.ts';

test('niceCeiling() is the next readable number', () => {
  assert.deepEqual([0, 1, 3, 10, 11, 21, 51, 999].map(niceCeiling), [2, 2, 5, 10, 20, 50, 100, 1000]);
});

test('chartBars() stacks refusals on allowed requests within the plot', () => {
  const [bar] = chartBars([{ start: 0, allowed: 6, denied: 4 }], { left: 30, width: 100, height: 100, ceiling: 10 });
  assert.ok(bar);
  assert.equal(bar.allowedHeight, 60);
  assert.equal(bar.deniedY, 0);
  assert.equal(bar.deniedHeight, 40);
  assert.equal(bar.deniedY + bar.deniedHeight, bar.allowedY);
});

test('chartBars() keeps one refusal among thousands visible', () => {
  const [bar] = chartBars([{ start: 0, allowed: 9000, denied: 1 }], {
    left: 0,
    width: 100,
    height: 100,
    ceiling: 10_000,
  });
  assert.equal(bar?.deniedHeight, 2);
});
