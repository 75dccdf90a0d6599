import assert from 'node:assert/strict';
import { test } from 'node:test';
import { durationWords, exactTime, relativeTime } from './relative.ts';

const now = Date.UTC(2026, 0, 15, 12, 0, 0);

test('relativeTime() uses the largest unit that fits, in both directions', () => {
  assert.equal(relativeTime(now - 30_000, now, 'en'), 'just now');
  assert.equal(relativeTime(now + 30_000, now, 'en'), 'in less than a minute');
  assert.equal(relativeTime(now - 3 * 60_000, now, 'en'), '3 minutes ago');
  assert.equal(relativeTime(now - 119 * 60_000, now, 'en'), '1 hour ago');
  assert.equal(relativeTime(now + 2 * 86_400_000, now, 'en'), 'in 2 days');
  assert.equal(relativeTime(now - 86_400_000, now, 'en'), 'yesterday');
  assert.equal(relativeTime(now - 800 * 86_400_000, now, 'en'), '2 years ago');
});

test('exactTime() names the zone', () => {
  assert.match(exactTime(now, { locale: 'en-GB', timeZone: 'UTC' }), /^15 Jan 2026, 12:00:00 UTC$/);
});

test('durationWords() writes the largest whole unit', () => {
  assert.deepEqual(
    [30_000, 45 * 60_000, 90 * 60_000, 2 * 3_600_000, 150 * 60_000, 86_400_000, 30 * 86_400_000].map(durationWords),
    ['30 s', '45 min', '90 min', '2 h', '2.5 h', '1 day', '30 days'],
  );
});
