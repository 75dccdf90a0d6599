import { join, resolve } from 'node:path';
import { parseDuration } from '../../config/duration.ts';
import type { ApiClient } from '../client.ts';
import type { Command, Globals } from '../command.ts';
import { CliError, exitCodes } from '../failure.ts';
import { formatTime, table } from '../output.ts';
import { placesOf } from './backup.ts';

export const keyCommands: readonly Command[] = [
  {
    noun: 'key',
    verb: 'ca',
    summary: 'Prints the certificate of our own CA (PEM), which browsers and programs are to trust',
    details: 'It may vouch for names under `domain` and `appsDomain` only. Example: `nullius key ca > nullius-ca.pem`.',
    run: async ({ globals, out }) => {
      const { readCaCertificate } = await import('../../supervisor/keep-ca-certificate.ts');
      const pem = readCaCertificate(resolve(globals.data));
      if (pem === undefined)
        throw new CliError('failed', `no CA in \`${globals.data}\` yet; it is made at the first \`nullius up\``);
      const { X509Certificate } = await import('node:crypto');
      const { fingerprint256, validTo } = new X509Certificate(pem);
      out.answer({ pem, fingerprint256, notAfter: Date.parse(validTo) }, pem.trimEnd());
      return exitCodes.done;
    },
  },
  {
    noun: 'key',
    verb: 'list',
    summary: 'Lists the keys: root keys of the file, and what the running signer holds',
    details: 'Without a running Nullius only the root keys are told, oldest first.',
    run: async ({ globals, api, out }) => {
      const root = await rootKeysHere(globals);
      const { held, problem } = await heldKeys(api, { mayBeDown: root !== undefined });
      const rows = [
        ...(root?.keys ?? []).map((id, index, all) => [
          'root',
          id,
          'AES-256',
          index === all.length - 1 ? 'wrapping' : 'unwrapping',
          null,
          null,
        ]),
        ...held.map((key) => [key.purpose, key.id, key.algorithm, key.state, ...timesOf(key)]),
      ];
      out.answer(
        { file: root?.file ?? null, keys: root?.keys ?? [], held },
        table(['PURPOSE', 'ID', 'ALGORITHM', 'STATE', 'SIGNS FROM', 'SHOWN UNTIL'], rows),
      );
      if (problem !== undefined) out.note(`the keys that the signer holds are not told: ${problem}`);
      return exitCodes.done;
    },
  },
  {
    noun: 'key',
    verb: 'rotate-token',
    summary: 'Makes a new key for ID tokens and assertions; nobody is signed out',
    details:
      'It is shown in the JWK set at once and signs after --lead; the old key verifies for --keep after that.\n' +
      '--leaked: the old key is known to others. The new one signs now, and what the old one signed is worth nothing any more.',
    options: {
      lead: { type: 'string', value: 'duration', summary: 'shown before it signs (default 10m; 0s: it signs at once)' },
      keep: { type: 'string', value: 'duration', summary: 'the old one verifies on (default 1d, at least 1h)' },
      leaked: { type: 'boolean', summary: 'the old key goes at once' },
    },
    run: async ({ api, out, text, flag }) => {
      const body = {
        leadMs: durationOf(text('lead')),
        overlapMs: durationOf(text('keep')),
        leaked: flag('leaked'),
      };
      const { items } = (await api.call({ method: 'POST', path: '/keys/rotate-token', body })).body as {
        items: KeyView[];
      };
      const added = items.filter(({ purpose }) => purpose === 'token').at(-1);
      out.answer(items, added?.id ?? '');
      if (added?.state === 'announced')
        out.note(`it signs from ${formatTime(added.signsFrom)}; until then the old one does`);
      if (flag('leaked')) out.note('tell whoever verifies our tokens to fetch our JWK set again now');
      return exitCodes.done;
    },
  },
  {
    noun: 'key',
    verb: 'rotate-root',
    summary: 'Adds a root key to the root key file; it wraps from the next start on',
    details:
      'Older keys stay in the file and still unwrap. Back the file up again, restart, run `nullius key rewrap`; then the older\n' +
      'key can be dropped with `nullius key drop-root`.',
    run: async ({ globals, out }) => {
      const { rotateRootKey } = await import('../../signer/index.ts');
      const path = await rootKeyPath(globals);
      const id = await inWords(() => rotateRootKey(path));
      out.answer({ file: path, added: id }, id);
      out.note(`\`${path}\` has a new key: back it up, then restart \`nullius up\``);
      return exitCodes.done;
    },
  },
  {
    noun: 'key',
    verb: 'rewrap',
    summary: 'Wraps every data key anew under the newest root key; Nullius must be running',
    run: async ({ globals, api, out }) => {
      const { listRootKeys } = await import('../../signer/index.ts');
      const path = await rootKeyPath(globals);
      const newest = await inWords(async () => listRootKeys(path).at(-1));
      const { body } = await api.call({ method: 'POST', path: '/keys/rewrap' });
      const { rewrapped, dataKeys, rootKey } = body as { rewrapped: number; dataKeys: number; rootKey: string | null };
      if (rootKey !== null && rootKey !== newest)
        throw new CliError(
          'failed',
          `the running Nullius wraps under \`${rootKey}\`, but \`${newest}\` is the newest key of \`${path}\`: restart \`nullius up\`, then repeat`,
        );
      out.answer({ rewrapped, dataKeys, rootKey }, rootKey ?? '');
      out.note(`${rewrapped} of ${dataKeys} data keys were wrapped anew`);
      return exitCodes.done;
    },
  },
  {
    noun: 'key',
    verb: 'drop-root',
    summary: 'Takes a root key out of the root key file, when nothing is wrapped under it any more',
    details: 'Backups made before `nullius key rewrap` still need it: keep an old copy of the file as long as those.',
    options: { id: { type: 'string', value: 'id', summary: 'which one, as `nullius key list` shows it' } },
    run: async ({ globals, text, out }) => {
      const id = text('id');
      if (id === undefined) throw new CliError('usage', 'say which root key: `--id ID`');
      const [{ dropRootKey, rootKeysOfSigner }, { rootKeysInUse }, { embeddedStorePath }] = await Promise.all([
        import('../../signer/index.ts'),
        import('../../store/index.ts'),
        import('../../backup/index.ts'),
      ]);
      const { storeUrl } = await placesOf(globals);
      const data = resolve(globals.data);
      const path = await rootKeyPath(globals);
      await inWords(async () => {
        const store = await rootKeysInUse(
          storeUrl === undefined ? { path: embeddedStorePath(data) } : { url: storeUrl },
        );
        const inUse = new Set([...store.keys(), ...rootKeysOfSigner(join(data, 'signer', 'keys.json'))]);
        await dropRootKey(path, { id, inUse });
      });
      out.answer({ file: path, dropped: id }, id);
      out.note(`\`${path}\` no longer holds \`${id}\`; backups made before the rewrap still need it`);
      return exitCodes.done;
    },
  },
];

interface KeyView {
  purpose: string;
  id: string;
  algorithm: string;
  state: string;
  signsFrom: number;
  shownUntil: number | null;
}

const timesOf = ({ signsFrom, shownUntil }: KeyView) => [
  formatTime(signsFrom),
  shownUntil === null ? null : formatTime(shownUntil),
];

/** undefined: the root keys are not on this machine, as for a remote installation. */
async function rootKeysHere(globals: Globals): Promise<{ file: string; keys: readonly string[] } | undefined> {
  if (globals.server !== undefined) return undefined;
  const { listRootKeys } = await import('../../signer/index.ts');
  const file = await rootKeyPath(globals);
  return { file, keys: await inWords(async () => listRootKeys(file)) };
}

/** `problem`: why they are not told, when that may be. */
async function heldKeys(
  api: ApiClient,
  { mayBeDown }: { mayBeDown: boolean },
): Promise<{ held: KeyView[]; problem?: string }> {
  try {
    return { held: ((await api.call({ method: 'GET', path: '/keys' })).body as { items: KeyView[] }).items };
  } catch (error) {
    if (mayBeDown && error instanceof CliError && error.code === 'failed') return { held: [], problem: error.message };
    throw error;
  }
}

function durationOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = parseDuration(text);
  if (ms === undefined)
    throw new CliError('usage', `\`${text}\` is no duration; write \`0s\`, \`30m\`, \`12h\` or \`7d\``);
  return ms;
}

async function rootKeyPath(globals: Globals): Promise<string> {
  const { loadConfig, resolveBeside } = await import('../../config/index.ts');
  const loaded = loadConfig({ file: globals.config ?? 'nullius.yaml', optional: globals.config === undefined });
  if (!loaded.ok)
    throw new CliError('failed', 'the configuration does not say where the root key is; run `nullius check`');
  const file = loaded.config.keys.root?.file;
  if (file === undefined) return `${resolve(globals.data)}.root-key`;
  return loaded.file === null ? resolve(file) : resolveBeside(loaded.file, file);
}

async function inWords<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new CliError('failed', error instanceof Error ? error.message : 'the root key file cannot be used');
  }
}
