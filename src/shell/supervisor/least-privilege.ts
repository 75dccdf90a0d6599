import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DataFolder } from './data-folder.ts';

/** Are we running from TypeScript sources? Children are then, too. */
const isSource = import.meta.url.endsWith('.ts');
const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Entry file of a process, beside this room. */
export function entryOf(name: 'signer' | 'control' | 'gateway'): string {
  return fileURLToPath(new URL(`../${name}/main.${isSource ? 'ts' : 'js'}`, import.meta.url));
}

/**
 * What every child may read: our code and its packages, named one by one. Never the checkout as a whole, because the
 * data folder and the root key lie in it by default.
 */
function codePaths(): readonly string[] {
  return ['src', 'dist', 'node_modules', 'package.json', 'policies'].map((name) => join(root, name)).filter(existsSync);
}

type ProcessName = 'signer' | 'control' | 'gateway';

/**
 * What is particular to a process about V8. Most other flags (`--no-opt`, `--expose-gc`) would have it refuse the code that Node has
 * compiled of its own modules, which costs more of each start than they save.
 */
const ownV8Flags = {
  // Signing happens in OpenSSL.
  signer: ['--max-semi-space-size=1'],
  // Not a number cruncher: a small young generation.
  control: ['--max-semi-space-size=2'],
  // Requests make much short-lived garbage: a young generation of this size is collected seldom, and it only grows under load. Hardly
  // any of it lives on, so one thread copies it in less than half a millisecond; helpers would find nothing to do, and look for it
  // on cores that have work.
  gateway: ['--max-semi-space-size=16', '--no-parallel-scavenge'],
  parser: [],
  // The solver's memory is WebAssembly's and bounded by itself; this bounds what is around it.
  prover: ['--max-old-space-size=1024'],
} as const;

/** Flags that compiled code depends on: our import condition and V8's own. */
export function v8Flags(name: ProcessName | 'parser' | 'prover'): readonly string[] {
  return [...(isSource ? ['--conditions=nullius-source'] : []), ...ownV8Flags[name]];
}

interface Reach {
  readonly read: readonly string[];
  readonly write: readonly string[];
  readonly worker?: boolean;
}

/** Node's permission model: no child processes, no native addons, no files but these. What may be written may be read. */
function permissionFlags(reach: Reach): readonly string[] {
  return [
    '--permission',
    ...[...codePaths(), ...reach.read, ...reach.write].map((path) => `--allow-fs-read=${path}`),
    ...reach.write.map((path) => `--allow-fs-write=${path}`),
    // Node warns that workers can undo the model; the gateway gives this right up as soon as its worker runs.
    ...(reach.worker === true ? ['--allow-worker', '--disable-warning=PERM0006'] : []),
  ];
}

export function signerFlags(folder: DataFolder, rootKeyFile: string): readonly string[] {
  const { path, sockets } = folder;
  const write = [join(path, 'signer'), join(path, 'cache', 'signer'), rootKeyFile, sockets.signer];
  return [...v8Flags('signer'), ...permissionFlags({ read: [], write })];
}

export function gatewayFlags(folder: DataFolder, name: string): readonly string[] {
  const { path } = folder;
  const write = [join(path, 'gateway', name), join(path, 'journal', name), join(path, 'cache', 'gateway')];
  return [...v8Flags('gateway'), ...permissionFlags({ read: [], write, worker: true })];
}

/** Control reads what the operator's configuration names, so its reach cannot be listed; it lies behind the gateway. */
export function controlFlags(): readonly string[] {
  return v8Flags('control');
}

/** Control's parser reads code and nothing else: policies come over its channel. */
export function parserFlags(dataDirectory: string): readonly string[] {
  return [...v8Flags('parser'), ...permissionFlags({ read: [], write: [join(dataDirectory, 'cache', 'parser')] })];
}

/** The prover reads code and nothing else, and writes nothing: what it shall prove comes over its channel. Its solver has threads. */
export function proverFlags(): readonly string[] {
  return [...v8Flags('prover'), ...permissionFlags({ read: [], write: [], worker: true })];
}

/** For `prepare`: a confined process that reads code and writes its compile cache, as it does under all its flags. */
export function preparingFlags(name: 'signer' | 'gateway' | 'parser', cache: string): readonly string[] {
  return [...v8Flags(name), ...permissionFlags({ read: [], write: [cache] })];
}

/** Nothing is inherited. */
export function environmentOfParser(dataDirectory: string): Record<string, string> {
  return { ...allocation, NODE_COMPILE_CACHE: join(dataDirectory, 'cache', 'parser') };
}

/**
 * For the C library: few arenas, because each thread would get one of its own and fill it by half, and free memory at the top of the
 * heap goes back to the system. 8 to 20 MB of a process here.
 */
const allocation = { MALLOC_ARENA_MAX: '2', MALLOC_TRIM_THRESHOLD_: '131072' };

/**
 * Environment of a child: nothing of ours but what is listed. Each child has a compile cache of its own, because who may
 * write another's cache may run code in it.
 */
export function environmentOf(
  name: 'signer' | 'control' | 'gateway',
  { folder, inherited }: { folder: DataFolder; inherited: Readonly<Record<string, string | undefined>> },
): Readonly<Record<string, string>> {
  const allowed = name === 'signer' ? [] : ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'SSL_CERT_DIR'];
  // Control asks the program `git`, which finds its `safe.directory` in the home folder.
  const ofPrograms = name === 'control' ? ['PATH', 'HOME'] : [];
  const kept = [...allowed, ...ofPrograms, 'TZ', 'LANG'].flatMap((key) => {
    const value = inherited[key];
    return value === undefined ? [] : [[key, value] as const];
  });
  return { ...Object.fromEntries(kept), ...allocation, NODE_COMPILE_CACHE: join(folder.path, 'cache', name) };
}
