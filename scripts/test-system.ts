// `npm run test:system`: tests that need real programs beyond Node. Names what is missing and the Debian package that
// has it, then fails: a system test is never skipped silently.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, globSync } from 'node:fs';

/** Programs the system tests start, and the Debian package each comes from. */
const programs: { names: string[]; package: string }[] = [
  { names: ['/usr/bin/chromium'], package: 'chromium' },
  { names: ['/usr/bin/git'], package: 'git' },
  {
    names: [
      '/usr/lib/postgresql/15/bin/postgres',
      '/usr/lib/postgresql/16/bin/postgres',
      '/usr/lib/postgresql/17/bin/postgres',
    ],
    package: 'postgresql',
  },
  { names: ['/usr/bin/pebble', '/usr/sbin/pebble'], package: 'pebble' },
  { names: ['/usr/bin/h2load'], package: 'nghttp2-client' },
  { names: ['/usr/bin/prometheus'], package: 'prometheus' },
  { names: ['/usr/sbin/nginx'], package: 'nginx' },
  { names: ['/usr/bin/caddy'], package: 'caddy' },
];

function isPresent(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

const missing = programs.filter((program) => !program.names.some(isPresent));
if (missing.length > 0) {
  for (const program of missing) console.error(`missing: ${program.names[0]} (Debian package \`${program.package}\`)`);
  console.error(`run: apt-get install -y ${missing.map((program) => program.package).join(' ')}`);
  process.exit(3);
}
const wanted = process.argv.slice(2);
const files = globSync(['src/**/*.system.test.ts', 'tests/**/*.system.test.ts'])
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .sort();
if (files.length === 0) {
  console.error('no system test matches');
  process.exit(2);
}
const result = spawnSync(process.execPath, ['--test', '--test-concurrency=1', '--test-timeout=600000', ...files], {
  stdio: 'inherit',
});
process.exit(result.status ?? 1);
