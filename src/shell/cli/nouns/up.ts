import { resolve } from 'node:path';
import type { Config } from '../../config/index.ts';
import type { UpPlan } from '../../supervisor/index.ts';
import type { Command } from '../command.ts';
import { CliError } from '../failure.ts';

export const upCommands: readonly Command[] = [
  {
    noun: 'up',
    verb: null,
    summary: 'Runs everything on this machine until it is told to stop',
    details: 'Prints `ready <console URL>` once it serves. SIGTERM or Ctrl-C: ends what is open, flushes, exits 0.',
    options: {
      set: { type: 'string', multiple: true, value: 'key=value', summary: 'overrides one key of the configuration' },
    },
    run: async ({ globals, out, texts }): Promise<never> => {
      const { formatProblem, loadConfig, resolveBeside } = await import('../../config/index.ts');
      const { becomeSupervisor } = await import('../../supervisor/index.ts');
      const file = globals.config ?? 'nullius.yaml';
      const overrides = texts('set');
      const loaded = loadConfig({ file, optional: globals.config === undefined, overrides });
      for (const problem of loaded.ok ? loaded.warnings : loaded.problems) out.note(formatProblem(problem));
      if (!loaded.ok) {
        const isWrongUse = loaded.problems.every((problem) => problem.severity === 'warning' || problem.file !== file);
        throw isWrongUse
          ? new CliError('usage', 'nothing was started: mend what `--set` says above')
          : new CliError('failed', 'nothing was started: mend the configuration above');
      }
      const beside = (path: string | undefined) =>
        path === undefined ? null : loaded.file === null ? resolve(path) : resolveBeside(loaded.file, path);
      const plan = planOf(loaded.config, { beside, overrides });
      return becomeSupervisor(
        { ...plan, dataDirectory: resolve(globals.data), configFile: loaded.file },
        { environment: process.env },
      );
    },
  },
];

/** What the gateway of this machine listens on. */
export function gatewayListen({ listen: { gateways: _controls, ...listen } }: Config): UpPlan['listen'] {
  return listen;
}

export function planOf(
  config: Config,
  { beside, overrides }: { beside: (path: string | undefined) => string | null; overrides: readonly string[] },
): Omit<UpPlan, 'dataDirectory' | 'configFile'> {
  return {
    rootKeyFile: beside(config.keys.root?.file),
    overrides,
    listen: gatewayListen(config),
    gatewaysListen: config.listen.gateways,
    domain: config.domain,
    appsDomain: config.appsDomain ?? null,
    publicPort: config.publicPort ?? null,
    tls: {
      minVersion: config.tls.minVersion === '1.2' ? 'TLSv1.2' : 'TLSv1.3',
      certificateFile: beside(config.tls.certificate),
      keyFile: beside(config.tls.key),
      acme: config.tls.acme !== undefined,
      connectionsPerAddress: config.tls.connectionsPerAddress,
    },
    journalSync: config.journal.sync,
    journalRetentionMs: config.journal.retentionDays * 24 * 3_600_000,
  };
}
