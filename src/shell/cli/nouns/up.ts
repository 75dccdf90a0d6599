import { readFileSync } from 'node:fs';
import type { Command } from '../command.ts';
import { CliError, type ExitCode } from '../failure.ts';

export const upCommands: readonly Command[] = [
  {
    noun: 'up',
    verb: null,
    summary: 'Runs everything on this machine until it is told to stop',
    details: 'Prints `ready <console URL>` once it serves. SIGTERM or Ctrl-C: ends what is open, flushes, exits 0.',
    options: {
      set: { type: 'string', multiple: true, value: 'key=value', summary: 'overrides one key of the configuration' },
    },
    run: async ({ globals, out, texts }): Promise<ExitCode> => {
      const { derivePublicUrls, formatProblem, loadConfig, resolveBeside } = await import('../../config/index.ts');
      const { runUp } = await import('../../supervisor/index.ts');
      const file = globals.config ?? 'nullius.yaml';
      const loaded = loadConfig({ file, optional: globals.config === undefined, overrides: texts('set') });
      for (const problem of loaded.ok ? loaded.warnings : loaded.problems) out.note(formatProblem(problem));
      if (!loaded.ok) throw new CliError('failed', 'nothing was started: mend the configuration above');
      const { config } = loaded;
      const beside = (path: string) => (loaded.file === null ? path : resolveBeside(loaded.file, path));
      const stop = new AbortController();
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort());
      return await runUp({
        dataDirectory: globals.data,
        rootKeyFile: config.keys.root === undefined ? undefined : beside(config.keys.root.file),
        configFile: loaded.file,
        overrides: texts('set'),
        listen: config.listen,
        urls: ({ plain, tls }) =>
          derivePublicUrls({
            domain: config.domain,
            appsDomain: config.appsDomain,
            plainPort: plain,
            tlsPort: tls,
            publicPort: config.publicPort,
          }),
        tls: {
          minVersion: config.tls.minVersion === '1.2' ? 'TLSv1.2' : 'TLSv1.3',
          certificate: readCertificate(config.tls, beside),
          acme: config.tls.acme !== undefined,
        },
        leaseMs: config.lease,
        journalSync: config.journal.sync,
        stdout: process.stdout,
        stderr: process.stderr,
        environment: process.env,
        stop: stop.signal,
      });
    },
  },
];

function readCertificate(
  tls: { readonly certificate?: string | undefined; readonly key?: string | undefined },
  beside: (path: string) => string,
): { chainPem: string; keyPem: string } | null {
  if (tls.certificate === undefined || tls.key === undefined) return null;
  return { chainPem: readText(beside(tls.certificate)), keyPem: readText(beside(tls.key)) };
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new CliError('failed', `\`${path}\` of \`tls\` cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}
