// The supervisor process: `nullius up` becomes this once it has read its configuration.
import { runUp } from './run-up.ts';
import { SupervisorError } from './supervisor-error.ts';
import { type GatewayPlan, gatewayOptionsOf, optionsOf, type UpPlan } from './up-plan.ts';

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort());
try {
  // Written by `becomeSupervisor`, nobody else.
  const plan = JSON.parse(process.argv[2] ?? '') as UpPlan | GatewayPlan;
  const around = { stdout: process.stdout, stderr: process.stderr, environment: process.env, stop: stop.signal };
  if ('gateway' in plan) {
    const { runGateway } = await import('./run-gateway.ts');
    process.exitCode = await runGateway({ ...gatewayOptionsOf(plan), ...around });
  } else process.exitCode = await runUp({ ...optionsOf(plan), ...around });
} catch (error) {
  process.stderr.write(`nullius: ${error instanceof SupervisorError ? error.message : String(error)}\n`);
  process.exitCode = 3;
}
