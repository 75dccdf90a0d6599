// The supervisor process: `nullius up` becomes this once it has read its configuration.
import { runUp } from './run-up.ts';
import { SupervisorError } from './supervisor-error.ts';
import { optionsOf, type UpPlan } from './up-plan.ts';

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort());
try {
  process.exitCode = await runUp({
    // Written by `becomeSupervisor`, nobody else.
    ...optionsOf(JSON.parse(process.argv[2] ?? '') as UpPlan),
    stdout: process.stdout,
    stderr: process.stderr,
    environment: process.env,
    stop: stop.signal,
  });
} catch (error) {
  process.stderr.write(`nullius: ${error instanceof SupervisorError ? error.message : String(error)}\n`);
  process.exitCode = 3;
}
