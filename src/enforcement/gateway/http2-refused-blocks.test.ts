import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

test('an app whose header blocks HTTP/2 refuses does not end the gateway, however soon memory is collected', () => {
  const program = join(import.meta.dirname, 'http2-refused-blocks.ts');
  // Little room for young objects: collected within seconds, which else takes half a minute.
  const flags = ['--conditions=nullius-source', '--max-semi-space-size=1', '--disable-warning=ExperimentalWarning'];
  const run = spawnSync(process.execPath, [...flags, program], { encoding: 'utf8', timeout: 60_000 });
  assert.match(run.stdout, /^still here after \d{3,} answers\n$/, `${run.signal} ${run.stderr.slice(0, 300)}`);
});
