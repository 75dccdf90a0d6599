import { cpSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Written last by `scripts/prepare-code.ts`: names one preparation, and says that it is whole. */
export const preparedMark = 'prepared';

const cache = fileURLToPath(new URL('../../../node_modules/.cache/nullius/', import.meta.url));

/** Where `npm ci` leaves the compiled code of a process, for this Node, these flags and these sources. */
export function preparedCodeOf(name: 'signer' | 'control' | 'gateway' | 'parser'): string {
  return join(cache, 'processes', name);
}

/**
 * Gives a process the code that was compiled when the packages were installed, unless it has it. Without it a first start strips and
 * compiles every file, which takes a second and leaves the stripper in memory. Who could write there could write the packages
 * themselves; the process gets a copy of its own, because what it compiles later must stay its own business.
 */
export function takePreparedCode(name: 'signer' | 'control' | 'gateway' | 'parser', target: string): void {
  takeCode(preparedCodeOf(name), target);
}

/** The same from one folder to another. */
export function takeCode(source: string, target: string): void {
  try {
    const wanted = markOf(source);
    if (wanted === undefined || markOf(target) === wanted) return;
    for (const old of readdirSync(target)) rmSync(join(target, old), { recursive: true });
    cpSync(source, target, { recursive: true, verbatimSymlinks: true });
  } catch {
    // It only saves time: a disk that is full, say, is told about by those who cannot do without.
  }
}

function markOf(folder: string): string | undefined {
  const file = join(folder, preparedMark);
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}
