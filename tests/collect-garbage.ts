import assert from 'node:assert/strict';
import { findCollect } from '../src/shell/child/settle-memory.ts';

/** V8's collector, whatever the command line says: for tests of what is let go of. */
export function collectGarbage(): void {
  const collect = findCollect();
  assert.ok(collect, 'no other thread sets V8 flags meanwhile');
  collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
