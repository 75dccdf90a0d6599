// `prepare`: strips and compiles the code of every process once, so that the first start is as quick and as small as any other.
// Nothing breaks without it: what is not prepared is compiled at the first start.
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { entryOfParser } from '../src/shell/control/policy-parser/entry.ts';
import { entryOf, preparingFlags, v8Flags } from '../src/shell/supervisor/least-privilege.ts';
import { preparedCodeOf, preparedMark } from '../src/shell/supervisor/prepared-code.ts';

const source = (path: string) => join(import.meta.dirname, '..', 'src', path);

/** Files that a process loads later, or in a thread; the entry comes last, because it ends a process that nobody supervises. */
const later = {
  signer: ['trust/ca/x509.ts'],
  control: [
    'shell/journal/journal-worker.ts',
    'shell/control/simulation/simulate-worker.ts',
    'shell/store/postgres.ts',
    'information/identity/passkeys/webauthn.ts',
  ],
  gateway: ['shell/journal/journal-worker.ts', 'shell/gateway/shipping/shipping-worker.ts'],
  parser: [],
} as const;

/** What a confined process begins with. Node knows it there by its path, not by its URL as what is imported. */
const begins = {
  signer: [entryOf('signer')],
  control: [],
  gateway: [entryOf('gateway'), source('shell/journal/journal-worker.ts')],
  parser: [entryOfParser],
} as const;

interface Kind {
  readonly flags: readonly string[];
  readonly cache: string;
}

function run(program: readonly string[], { flags, cache }: Kind): boolean {
  const env = { NODE_COMPILE_CACHE: cache };
  return spawnSync(process.execPath, [...flags, ...program], { env, stdio: 'ignore', timeout: 60_000 }).signal === null;
}

function load(files: readonly string[], kind: Kind): boolean {
  const imports = files.map((file) => `await import(${JSON.stringify(file)}).catch(() => {});`).join('');
  return run(['--input-type=module', '--eval', imports], kind);
}

// Packages that came without us, as a dependency of something else, have no sources to prepare.
if (existsSync(source('shell/cli/main.ts'))) {
  for (const name of ['signer', 'control', 'gateway', 'parser'] as const) {
    const cache = preparedCodeOf(name);
    rmSync(cache, { recursive: true, force: true });
    mkdirSync(cache, { recursive: true });
    const isWhole = load([...later[name].map(source), name === 'parser' ? entryOfParser : entryOf(name)], {
      flags: v8Flags(name),
      cache,
    });
    // Nobody supervises them here, so each ends at once.
    const isBegun =
      name === 'control' ||
      begins[name].every((program) => run([program], { flags: preparingFlags(name, cache), cache }));
    if (isWhole && isBegun) writeFileSync(join(cache, preparedMark), randomUUID());
  }
  // The command line and what it becomes share the cache that `bin/nullius` names. The supervisor comes last: it runs when it is loaded.
  const files = ['supervisor/up-plan.ts', 'config/index.ts', 'cli/commands.ts', 'supervisor/main.ts'];
  load(
    files.map((file) => source(`shell/${file}`)),
    { flags: ['--conditions=nullius-source'], cache: join(preparedCodeOf('signer'), '..', '..') },
  );
}
