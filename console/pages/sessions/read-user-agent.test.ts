import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readUserAgent } from './read-user-agent.ts';

test('readUserAgent() names browser and system', () => {
  const chrome =
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36';
  assert.equal(readUserAgent(chrome), 'Chrome on Linux');
  assert.equal(readUserAgent(`${chrome} Edg/156.0`), 'Edge on Linux');
  assert.equal(
    readUserAgent('Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1 Version/19.0 Safari/604.1'),
    'Safari on iOS',
  );
  assert.equal(readUserAgent('curl/8.1'), 'curl');
  assert.equal(readUserAgent(''), 'unknown');
  assert.equal(readUserAgent('x'.repeat(500)).length, 60);
});
