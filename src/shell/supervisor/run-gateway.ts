import { identityPath, readIdentity } from '#shell/enrolment';
import type { GatewayHandoff } from '#shell/wire';
import { settleMemory } from '../child/settle-memory.ts';
// Straight from its file: the rest of that room would triple this process.
import { keepStatementKeys } from '../journal/keep-statement-keys.ts';
import { prepareDataFolder } from './data-folder.ts';
import { resolveListen } from './free-port.ts';
import { entryOf, environmentOf, gatewayFlags } from './least-privilege.ts';
import { lockDataFolder } from './lock.ts';
import { SupervisedChild } from './supervised-child.ts';
import { SupervisorError } from './supervisor-error.ts';

const stopMsMax = 10_000;

/** A gateway whose control is on another machine. */
export interface RunGatewayOptions {
  readonly dataDirectory: string;
  readonly name: string;
  readonly listen: GatewayHandoff['listen'];
  readonly tls: GatewayHandoff['tls'];
  readonly journalSync: GatewayHandoff['journalSync'];
  readonly journalRetentionMs: number;
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stop: AbortSignal;
}

/** Runs the gateway until told to stop. Prints `ready <name>` once it serves. Gives the exit code: 0 stopped, 3 could not start. */
export async function runGateway(options: RunGatewayOptions): Promise<0 | 3> {
  const { name } = options;
  const say = (line: string) => void options.stderr.write(`${line}\n`);
  try {
    const folder = prepareDataFolder(options.dataDirectory, { gatewayNames: [name] });
    const unlock = lockDataFolder(folder.path);
    try {
      const identityFile = identityPath(folder.path, name);
      const identity = readIdentity(identityFile);
      if (identity === undefined)
        throw new SupervisorError(`no gateway joined in \`${folder.path}\`; run \`nullius gateway join\` first`);
      const signerKeys = identity.statementKeys as GatewayHandoff['signerKeys'];
      // For `nullius log verify` on this machine.
      keepStatementKeys(folder.path, signerKeys);
      const listen = {
        plain: await resolveListen(options.listen.plain),
        tls: await resolveListen(options.listen.tls),
        operations: await resolveListen(options.listen.operations),
        pdp: await resolveListen(options.listen.pdp),
        pdpTls: await resolveListen(options.listen.pdpTls),
      };
      const { urls } = identity;
      const { tls, journalSync, journalRetentionMs } = options;
      const gateway = new SupervisedChild({
        name,
        entry: entryOf('gateway'),
        execArgv: gatewayFlags(folder, name),
        environment: environmentOf('gateway', { folder, inherited: options.environment }),
        handoff: async () => ({
          type: 'gateway',
          ...{
            name,
            dataDirectory: folder.path,
            urls,
            listen,
            signerKeys,
            tls,
            journalSync,
            journalRetentionMs,
          },
          control: { identityFile },
        }),
        say,
        stopMsMax,
      });
      await untilStopped(gateway, { ...options, ready: `ready ${name}\n` });
    } finally {
      unlock();
    }
    return 0;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    say(`nullius: ${error.message}`);
    return 3;
  }
}

async function untilStopped(
  gateway: SupervisedChild,
  { stop, stdout, ready }: Pick<RunGatewayOptions, 'stop' | 'stdout'> & { readonly ready: string },
): Promise<void> {
  const stopped = new Promise<'stop'>((resolve) => {
    if (stop.aborted) resolve('stop');
    stop.addEventListener('abort', () => resolve('stop'), { once: true });
  });
  try {
    const started = gateway.start();
    if ((await Promise.race([started, stopped])) === 'stop') started.catch(() => undefined);
    else stdout.write(ready);
    settleMemory();
    await stopped;
  } finally {
    await gateway.stop();
  }
}
