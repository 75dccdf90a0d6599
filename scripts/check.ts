// `npm run check`: types, lint and format, rooms and tidy tests. Runs the parts side by side and prints only what failed.
import { spawn } from 'node:child_process';

const parts: { name: string; command: string; args: string[] }[] = [
  { name: 'types', command: 'tsc', args: ['--noEmit'] },
  { name: 'console types', command: 'tsc', args: ['--noEmit', '-p', 'console'] },
  { name: 'lint and format', command: 'biome', args: ['check', '--error-on-warnings', '.'] },
  { name: 'rooms and tidy', command: 'node', args: ['--test', 'tests/rooms.test.ts', 'tests/tidy.test.ts'] },
];

function run(part: (typeof parts)[number]): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(`node_modules/.bin/${part.command}`, part.args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += String(chunk);
    });
    child.stderr.on('data', (chunk) => {
      output += String(chunk);
    });
    child.on('close', (code) => {
      console.log(`${code === 0 ? 'ok  ' : 'FAIL'} ${part.name}`);
      if (code !== 0) console.log(output);
      resolve(code === 0);
    });
  });
}

const results = await Promise.all(parts.map(run));
process.exit(results.every(Boolean) ? 0 : 1);
