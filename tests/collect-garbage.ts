import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** V8's collector, whatever the command line says: for tests of what is let go of. */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('globalThis.gc') as () => void)();
  setFlagsFromString('--no-expose-gc');
}
