// `nullius`: started by bin/nullius on the pinned Node.
import { readFileSync } from 'node:fs';
import { commands } from './commands.ts';
import { exitCodes } from './failure.ts';
import { runCli } from './run.ts';

const manifest = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

// A reader that went away (`nullius log tail | head`) is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) =>
  process.exit(error.code === 'EPIPE' ? exitCodes.done : exitCodes.failed),
);

try {
  process.exitCode = await runCli(commands, {
    argv: process.argv.slice(2),
    surroundings: {
      stdout: process.stdout,
      stderr: process.stderr,
      environment: process.env,
      version: manifest.version,
    },
  });
} catch (error) {
  process.stderr.write(`nullius: ${error instanceof Error ? error.message : 'failed'}\n`);
  process.exitCode = exitCodes.failed;
}
