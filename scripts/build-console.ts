// `prepare`: builds console/ with Vite when its inputs changed since the last build, so that `npm ci` is quick the second time.
import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';

if (existsSync('console/vite.config.ts')) {
  const inputs = [...globSync('console/**/*', { exclude: ['console/dist/**'], withFileTypes: true })]
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`)
    .sort();
  const hash = createHash('sha256');
  for (const file of ['package-lock.json', ...globSync('src/foundation/model/*.ts').sort(), ...inputs]) {
    hash.update(file).update('\0').update(readFileSync(file));
  }
  const digest = hash.digest('hex');
  const stamp = 'console/dist/.input-hash';
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) {
    console.error('console is up to date');
  } else {
    const { build } = await import('vite');
    await build({ root: 'console', logLevel: 'warn', configFile: 'console/vite.config.ts' });
    writeFileSync(stamp, digest);
  }
}
