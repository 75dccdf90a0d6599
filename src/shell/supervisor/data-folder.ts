import { lstatSync, mkdirSync, realpathSync, type Stats } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { socketPathBytesMax } from '#shell/child';
import { SupervisorError } from './supervisor-error.ts';

/** Where everything lies below the data folder. */
export interface DataFolder {
  readonly path: string;
  readonly sockets: { readonly admin: string; readonly gateway: string; readonly web: string; readonly signer: string };
}

/** Folders that the supervisor makes, so that children under the permission model find theirs. */
const folders = [
  'run',
  'store',
  'signer',
  'gateway',
  'journal',
  'cache',
  'cache/signer',
  'cache/control',
  'cache/gateway',
  'cache/parser',
];

/**
 * Makes or checks the data folder: ours alone (0700), no symlink, below nothing that strangers may rename. Gives its
 * real path. Throws SupervisorError that says what to mend.
 */
export function prepareDataFolder(wanted: string, { gatewayNames }: { gatewayNames: readonly string[] }): DataFolder {
  const path = join(realParent(resolve(wanted)), basename(resolve(wanted)));
  // `*` is a wildcard in the flags of Node's permission model.
  if (/[*\p{Cc}]/u.test(path))
    throw new SupervisorError(`the data folder \`${wanted}\` has \`*\` or a control character in its path`);
  checkParent(dirname(path));
  ensureFolder(path);
  for (const folder of folders) ensureFolder(join(path, folder));
  for (const writer of ['control', ...gatewayNames]) ensureFolder(join(path, 'journal', writer));
  for (const name of gatewayNames) ensureFolder(join(path, 'gateway', name));
  const sockets = {
    admin: join(path, 'control.sock'),
    gateway: join(path, 'run', 'gateway.sock'),
    web: join(path, 'run', 'web.sock'),
    signer: join(path, 'run', 'signer.sock'),
  };
  for (const socket of Object.values(sockets))
    if (Buffer.byteLength(socket) > socketPathBytesMax)
      throw new SupervisorError(
        `the path of the data folder \`${path}\` is too long for sockets in it; choose a shorter --data`,
      );
  return { path, sockets };
}

function realParent(path: string): string {
  try {
    return realpathSync(dirname(path));
  } catch {
    throw new SupervisorError(`the folder \`${dirname(path)}\` does not exist; make it, or choose another --data`);
  }
}

/** In a folder that everybody may write to without the sticky bit, anybody may put another data folder in place of ours. */
function checkParent(parent: string): void {
  const { mode } = lstatSync(parent);
  if ((mode & 0o002) !== 0 && (mode & 0o1000) === 0)
    throw new SupervisorError(`everybody may rename things in \`${parent}\`; run: chmod o-w ${parent}`);
}

function ensureFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST')
      throw new SupervisorError(`the folder \`${path}\` cannot be made (${(error as NodeJS.ErrnoException).code})`);
  }
  checkFolder(path, lstatSync(path));
}

function checkFolder(path: string, stats: Stats): void {
  if (stats.isSymbolicLink()) throw new SupervisorError(`\`${path}\` is a symlink; give the real folder by --data`);
  if (!stats.isDirectory())
    throw new SupervisorError(`\`${path}\` is not a folder; move it away or choose another --data`);
  if (stats.uid !== process.geteuid?.())
    throw new SupervisorError(
      `\`${path}\` belongs to another user (uid ${stats.uid}); chown it to the user who runs nullius`,
    );
  if ((stats.mode & 0o077) !== 0)
    throw new SupervisorError(
      `\`${path}\` is open to other users (mode 0${(stats.mode & 0o777).toString(8)}); run: chmod 700 ${path}`,
    );
}
