import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
// Straight from its file: the rest of that room brings the parsers, and this process shall stay small.
import { derivePublicUrls } from '../config/urls.ts';
import type { GatewayHandoff, ListenAddress } from '../wire/index.ts';
import type { RunGatewayOptions } from './run-gateway.ts';
import type { UpOptions } from './run-up.ts';
import { SupervisorError } from './supervisor-error.ts';

const pemBytesMax = 1_048_576;

/**
 * What `nullius up` worked out of configuration and command line, as JSON. It travels in an argument that every user of
 * the machine can see, so it names files and holds no secret.
 */
export interface UpPlan {
  readonly dataDirectory: string;
  readonly rootKeyFile: string | null;
  readonly configFile: string | null;
  readonly overrides: readonly string[];
  readonly listen: GatewayHandoff['listen'];
  readonly gatewaysListen: ListenAddress | null;
  readonly domain: string;
  readonly appsDomain: string | null;
  readonly publicPort: number | null;
  readonly tls: {
    readonly minVersion: GatewayHandoff['tls']['minVersion'];
    readonly certificateFile: string | null;
    readonly keyFile: string | null;
    readonly acme: boolean;
    readonly connectionsPerAddress: number;
  };
  readonly journalSync: GatewayHandoff['journalSync'];
  readonly journalRetentionMs: number;
}

/** What `nullius gateway run` worked out; as an UpPlan it names files and holds no secret. */
export interface GatewayPlan
  extends Pick<UpPlan, 'dataDirectory' | 'listen' | 'tls' | 'journalSync' | 'journalRetentionMs'> {
  readonly gateway: string;
}

/** Reads the operator's own certificate for a gateway away from control. Throws SupervisorError. */
export function gatewayOptionsOf(
  plan: GatewayPlan,
): Omit<RunGatewayOptions, 'stdout' | 'stderr' | 'environment' | 'stop'> {
  const { gateway: name, dataDirectory, listen, journalSync, journalRetentionMs } = plan;
  return { name, dataDirectory, listen, journalSync, journalRetentionMs, tls: tlsOptionsOf(plan.tls) };
}

function tlsOptionsOf({ certificateFile, keyFile, ...tls }: UpPlan['tls']): GatewayHandoff['tls'] {
  const certificate =
    certificateFile === null || keyFile === null
      ? null
      : { chainPem: readPem(certificateFile), keyPem: readPem(keyFile) };
  return { ...tls, certificate };
}

/** The plan as options of `runUp`; reads the operator's own certificate. Throws SupervisorError. */
export function optionsOf(plan: UpPlan): Omit<UpOptions, 'stdout' | 'stderr' | 'environment' | 'stop'> {
  return {
    dataDirectory: plan.dataDirectory,
    rootKeyFile: plan.rootKeyFile ?? undefined,
    configFile: plan.configFile,
    overrides: plan.overrides,
    listen: plan.listen,
    gatewaysListen: plan.gatewaysListen,
    urls: ({ plain, tls }) =>
      derivePublicUrls({
        domain: plan.domain,
        appsDomain: plan.appsDomain ?? undefined,
        plainPort: plain,
        tlsPort: tls,
        publicPort: plan.publicPort ?? undefined,
      }),
    tls: tlsOptionsOf(plan.tls),
    journalSync: plan.journalSync,
    journalRetentionMs: plan.journalRetentionMs,
  };
}

/** What the supervisor's Node is started with. */
export function supervisorFlags(isSource: boolean): string[] {
  return ['--max-semi-space-size=1', ...(isSource ? ['--conditions=nullius-source'] : [])];
}

/**
 * Becomes the supervisor: this process image, with all the parsers the command line loaded, is replaced by a small one
 * under the same process id. Never returns.
 */
export function becomeSupervisor(
  plan: UpPlan | GatewayPlan,
  { environment }: { environment: Readonly<Record<string, string | undefined>> },
): never {
  if (process.execve === undefined)
    throw new SupervisorError('this system cannot replace a process; run on Linux or macOS');
  const isSource = import.meta.url.endsWith('.ts');
  const main = fileURLToPath(new URL(`./main.${isSource ? 'ts' : 'js'}`, import.meta.url));
  const { NODE_OPTIONS: _ours, ...kept } = environment;
  const words = Object.entries(kept).flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const]));
  return process.execve(
    process.execPath,
    [process.execPath, ...supervisorFlags(isSource), main, JSON.stringify(plan)],
    Object.fromEntries(words),
  );
}

function readPem(path: string): string {
  try {
    const text = readFileSync(path, 'utf8');
    if (text.length <= pemBytesMax) return text;
  } catch (error) {
    throw new SupervisorError(`\`${path}\` of \`tls\` cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  throw new SupervisorError(`\`${path}\` of \`tls\` is longer than ${pemBytesMax} bytes`);
}
