// `nullius`: started by bin/nullius on the pinned Node.
import { commands } from './commands.ts';
import { exitCodes } from './failure.ts';
import { productVersion } from './product-version.ts';
import { runCli } from './run.ts';

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
      version: productVersion(),
    },
  });
} catch (error) {
  process.stderr.write(`nullius: ${error instanceof Error ? error.message : 'failed'}\n`);
  process.exitCode = exitCodes.failed;
}
