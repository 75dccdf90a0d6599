// `npm test`: everything that must pass with Node alone. Arguments narrow it: `npm test -- src/evidence`.
// System tests (`*.system.test.ts`) need programs beyond Node and run by `npm run test:system`.
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';

const wanted = process.argv.slice(2);
const files = globSync(['src/**/*.test.ts', 'console/**/*.test.ts', 'tests/**/*.test.ts', 'scripts/**/*.test.ts'])
  .filter((file) => !file.endsWith('.system.test.ts'))
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .sort();
if (files.length === 0) {
  console.error(`no test file matches ${wanted.map((part) => `\`${part}\``).join(', ')}`);
  process.exit(2);
}
const result = spawnSync(process.execPath, ['--test', '--test-concurrency=2', '--test-timeout=300000', ...files], {
  stdio: 'inherit',
});
process.exit(result.status ?? 1);
