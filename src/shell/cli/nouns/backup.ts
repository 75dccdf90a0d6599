import type { Command, Globals } from '../command.ts';
import { CliError, exitCodes } from '../failure.ts';

/** Where the configuration puts the store and the root key; `storeUrl` is absent for the embedded one. */
export async function placesOf(globals: Globals): Promise<{ storeUrl?: string; rootKey: string }> {
  const { formatProblem, loadConfig, resolveBeside, storeUrl } = await import('../../config/index.ts');
  const file = globals.config ?? 'nullius.yaml';
  const loaded = loadConfig({ file, optional: globals.config === undefined });
  if (!loaded.ok) throw new CliError('failed', loaded.problems.map((problem) => formatProblem(problem)).join('\n'));
  const beside = (path: string) => (loaded.file === null ? path : resolveBeside(loaded.file, path));
  const { store, keys } = loaded.config;
  const rootKey = keys.root === undefined ? `${globals.data}.root-key` : beside(keys.root.file);
  const url = storeUrl(store, loaded.file);
  return url === undefined ? { rootKey } : { rootKey, storeUrl: url };
}

/** Errors of store and backup are words for people already. */
async function inWords<T>(work: () => Promise<T>): Promise<T> {
  const { BackupError } = await import('../../backup/index.ts');
  const { StoreError } = await import('../../store/index.ts');
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof BackupError || error instanceof StoreError)) throw error;
    throw new CliError(error.code === 'damaged' ? 'no' : 'failed', error.message, { code: error.code });
  }
}

export const backupCommands: readonly Command[] = [
  {
    noun: 'backup',
    verb: null,
    summary: 'Backs up store, journals and wrapped keys into a new folder, while running or not',
    details:
      'The root key stays out unless asked for: without it a backup cannot be opened, so keep it elsewhere. Keep the printed\n' +
      'hash too: with it `nullius restore --manifest-hash` proves that the backup is unchanged.',
    positionals: [{ name: 'folder' }],
    options: { 'include-root-key': { type: 'boolean', summary: 'put the root key in as well' } },
    run: async ({ globals, positionals, flag, out }) => {
      const { backup } = await import('../../backup/index.ts');
      const { rootKey, storeUrl } = await placesOf(globals);
      const [target = ''] = positionals;
      const { manifest, manifestHash } = await inWords(() =>
        backup({
          dataDirectory: globals.data,
          target,
          clock: Date.now,
          ...(storeUrl === undefined ? {} : { storeUrl }),
          ...(flag('include-root-key') ? { includeRootKey: rootKey } : {}),
        }),
      );
      const { revision, epoch, files } = manifest;
      out.answer({ folder: target, manifestHash, revision, epoch, files: files.length }, `${target} ${manifestHash}`);
      out.note(`revision ${revision} is backed up; keep the hash to prove later that the backup is unchanged`);
      return exitCodes.done;
    },
  },
  {
    noun: 'restore',
    verb: null,
    summary: 'Restores a backup into an empty data folder, in a new epoch',
    details:
      'Everything is verified first; exit 1 when the backup is damaged. Gateways take the restored facts over newer ones they remember.',
    positionals: [{ name: 'folder' }],
    options: { 'manifest-hash': { type: 'string', value: 'sha256', summary: 'the hash `nullius backup` printed' } },
    run: async ({ globals, positionals, text, out }) => {
      const { restore } = await import('../../backup/index.ts');
      const { rootKey, storeUrl } = await placesOf(globals);
      const [source = ''] = positionals;
      const manifestHash = text('manifest-hash');
      const restored = await inWords(() =>
        restore({
          source,
          dataDirectory: globals.data,
          rootKeyPath: rootKey,
          clock: Date.now,
          ...(storeUrl === undefined ? {} : { storeUrl }),
          ...(manifestHash === undefined ? {} : { manifestHash }),
        }),
      );
      out.answer({ data: globals.data, ...restored }, '');
      out.note(`restored revision ${restored.revision} into \`${globals.data}\``);
      if (!restored.hasRootKey) out.note(`put the root key at \`${rootKey}\` (mode 0600) before you start`);
      return exitCodes.done;
    },
  },
  {
    noun: 'upgrade',
    verb: null,
    summary: 'Brings the data of a stopped installation up to this version, after a backup',
    options: {
      backup: {
        type: 'string',
        value: 'folder',
        summary: 'where the backup goes (default `DIR.before-upgrade-<time>`)',
      },
    },
    run: async ({ globals, text, out }) => {
      const { upgrade } = await import('../../backup/index.ts');
      const { storeUrl } = await placesOf(globals);
      const backupTo = text('backup') ?? `${globals.data}.before-upgrade-${Date.now()}`;
      const done = await inWords(() =>
        upgrade({
          dataDirectory: globals.data,
          backupTo,
          clock: Date.now,
          ...(storeUrl === undefined ? {} : { storeUrl }),
        }),
      );
      const { steps, manifestHash } = done;
      out.answer(
        { steps, backup: manifestHash === null ? null : { folder: backupTo, manifestHash } },
        steps.join('\n'),
      );
      out.note(
        steps.length === 0
          ? 'the data is up to date; no backup was needed, none was made'
          : `backed up into \`${backupTo}\` and took ${steps.length} steps`,
      );
      return exitCodes.done;
    },
  },
];
