// `npm run bench [-- name …]`: runs `benchmarks/<name>/bench.ts`, all of them without a name, one after the other.
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { basename, dirname } from 'node:path';

const files = globSync('benchmarks/*/bench.ts').sort();
const names = files.map((file) => basename(dirname(file)));
const [wanted, ...rest] = process.argv.slice(2);
if (wanted !== undefined && !names.includes(wanted)) {
  console.error(`there is no benchmark \`${wanted}\`; there are: ${names.join(', ')}`);
  process.exit(2);
}
let isGood = true;
for (const [index, file] of files.entries()) {
  if (wanted !== undefined && names[index] !== wanted) continue;
  console.error(`benchmark ${names[index]}`);
  const run = spawnSync(process.execPath, [file, ...rest], { stdio: 'inherit' });
  isGood &&= run.status === 0;
}
process.exit(isGood ? 0 : 1);
