import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  type ControlHandoff,
  type GatewayHandoff,
  localGatewayName as gatewayName,
  type ListenAddress,
  originOf,
  type PublicUrls,
} from '#shell/wire';
import { settleMemory } from '../child/settle-memory.ts';
// Straight from its file: the rest of that room would triple this process.
import { keepStatementKeys } from '../journal/keep-statement-keys.ts';
import { type DataFolder, prepareDataFolder } from './data-folder.ts';
import { resolveListen } from './free-port.ts';
import { keepCaCertificate } from './keep-ca-certificate.ts';
import { controlFlags, entryOf, environmentOf, gatewayFlags, signerFlags } from './least-privilege.ts';
import { lockDataFolder } from './lock.ts';
import { takePreparedCode } from './prepared-code.ts';
import { SupervisedChild } from './supervised-child.ts';
import { SupervisorError } from './supervisor-error.ts';

/** What to run, worked out of configuration and command line. No secret but the operator's own TLS key. */
export interface UpOptions {
  readonly dataDirectory: string;
  /** Default: `<data folder>.root-key`. */
  readonly rootKeyFile?: string | undefined;
  readonly configFile: string | null;
  readonly overrides: readonly string[];
  /** Port 0 becomes a free one. */
  readonly listen: GatewayHandoff['listen'];
  /** Where control listens for gateways on other machines. */
  readonly gatewaysListen?: ListenAddress | null;
  /** Public URLs for the ports really listened on. */
  urls(ports: { plain: number | null; tls: number | null }): PublicUrls;
  readonly tls: GatewayHandoff['tls'];
  readonly journalSync: GatewayHandoff['journalSync'];
  readonly journalRetentionMs: number;
  /** Entry files, when they are not our own. */
  readonly entries?: Partial<Record<'signer' | 'control' | 'gateway', string>>;
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Aborted when the program shall stop; a second time is not needed: waiting is bounded. */
  readonly stop: AbortSignal;
}

/** Bounded waits at the end: the gateway drains, control flushes, the signer has nothing to lose. */
const stopMsMax = { gateway: 10_000, control: 10_000, signer: 3_000 } as const;

/**
 * Runs everything on this machine until told to stop. Prints `ready <console URL>` on stdout once all children serve.
 * Gives the exit code: 0 stopped as told, 3 could not start (the reason is on stderr).
 */
export async function runUp(options: UpOptions): Promise<0 | 3> {
  const say = (line: string) => void options.stderr.write(`${line}\n`);
  try {
    const folder = prepareDataFolder(options.dataDirectory, { gatewayNames: [gatewayName] });
    const unlock = lockDataFolder(folder.path);
    for (const name of ['signer', 'control', 'gateway', 'parser'] as const)
      takePreparedCode(name, join(folder.path, 'cache', name));
    // It outlives a control process, not a run.
    rmSync(join(folder.path, 'run', 'config-in-force.json'), { force: true });
    try {
      return await runChildren(options, { folder, say });
    } finally {
      unlock();
    }
  } catch (error) {
    if (!(error instanceof SupervisorError)) throw error;
    say(`nullius: ${error.message}`);
    return 3;
  }
}

interface Surroundings {
  readonly folder: DataFolder;
  say(line: string): void;
}

async function runChildren(options: UpOptions, { folder, say }: Surroundings): Promise<0> {
  const listen = await resolveAll(options.listen);
  const urls = options.urls({ plain: listen.plain?.port ?? null, tls: listen.tls?.port ?? null });
  const gatewaysListen = await resolveListen(options.gatewaysListen ?? null);
  const { signer, control, gateway } = createChildren(options, { folder, say, listen, gatewaysListen, urls });
  const stopped = new Promise<'stop'>((resolve) => {
    if (options.stop.aborted) resolve('stop');
    options.stop.addEventListener('abort', () => resolve('stop'), { once: true });
  });
  try {
    const ready = Promise.all([signer.start(), control.start(), gateway.start()]);
    const first = await Promise.race([ready, stopped]);
    if (first === 'stop') ready.catch(() => undefined);
    else options.stdout.write(`ready ${originOf(urls, 'console')}\n`);
    settleMemory();
    await stopped;
  } finally {
    // Taking work ends first; what it still asks of the others is answered until it is gone.
    await gateway.stop();
    await control.stop();
    await signer.stop();
  }
  return 0;
}

function createChildren(
  options: UpOptions,
  at: Surroundings & { listen: GatewayHandoff['listen']; gatewaysListen: ListenAddress | null; urls: PublicUrls },
): Record<'signer' | 'control' | 'gateway', SupervisedChild> {
  const { folder, say, listen, urls } = at;
  const { path: dataDirectory, sockets } = folder;
  const rootKeyFile = options.rootKeyFile ?? `${dataDirectory}.root-key`;
  // They live as long as the supervisor, so that a child that starts again is known to the others.
  const signerToken = newToken();
  const gatewayToken = newToken();
  const common = (name: 'signer' | 'control' | 'gateway') => ({
    name,
    entry: options.entries?.[name] ?? entryOf(name),
    environment: environmentOf(name, { folder, inherited: options.environment }),
    say,
    stopMsMax: stopMsMax[name],
  });
  const signerReady = Promise.withResolvers<GatewayHandoff['signerKeys']>();
  const signer = new SupervisedChild({
    ...common('signer'),
    execArgv: signerFlags(folder, rootKeyFile),
    handoff: async () => ({
      type: 'signer',
      dataDirectory,
      rootKeyFile,
      socketPath: sockets.signer,
      controlToken: signerToken,
      urls,
    }),
    onReady: (detail) => {
      // The signer may not open the folder of its key file; its name must be as durable as what the key wraps.
      syncFolder(dirname(rootKeyFile));
      const statementKeys = detail['statementKeys'] as GatewayHandoff['signerKeys'];
      // For `nullius log verify`, which works on files: public halves only, those of older checkpoints included.
      try {
        keepStatementKeys(dataDirectory, statementKeys);
      } catch {
        say(`nullius: \`${dataDirectory}/statement-keys.json\` is damaged; move it away and start again`);
      }
      keepCaCertificate(dataDirectory, String(detail['caPem']));
      signerReady.resolve(statementKeys);
    },
  });
  const controlHandoff: ControlHandoff = {
    type: 'control',
    dataDirectory,
    configFile: options.configFile,
    overrides: options.overrides,
    urls,
    sockets,
    signerToken,
    gatewayToken,
    gatewaysListen: at.gatewaysListen,
  };
  // The gateway needs facts before anything else: until there is a control to follow it only loads its code.
  const controlReady = Promise.withResolvers<void>();
  const control = new SupervisedChild({
    ...common('control'),
    execArgv: controlFlags(),
    handoff: async () => controlHandoff,
    onReady: () => controlReady.resolve(),
  });
  const gateway = new SupervisedChild({
    ...common('gateway'),
    execArgv: gatewayFlags(folder, gatewayName),
    handoff: async () => {
      await controlReady.promise;
      return {
        type: 'gateway',
        name: gatewayName,
        dataDirectory,
        urls,
        listen,
        control: { socketPath: sockets.gateway, webSocketPath: sockets.web, token: gatewayToken },
        signerKeys: await signerReady.promise,
        tls: options.tls,
        journalSync: options.journalSync,
        journalRetentionMs: options.journalRetentionMs,
      };
    },
  });
  return { signer, control, gateway };
}

async function resolveAll(listen: GatewayHandoff['listen']): Promise<GatewayHandoff['listen']> {
  const resolved: Record<string, ListenAddress | null> = {};
  for (const [name, address] of Object.entries(listen)) resolved[name] = await resolveListen(address);
  return { plain: null, tls: null, operations: null, pdp: null, pdpTls: null, ...resolved };
}

function newToken(): string {
  return randomBytes(32).toString('base64url');
}

function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
