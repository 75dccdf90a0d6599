import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseDuration } from '../../config/duration.ts';
import type { Command } from '../command.ts';
import { CliError, exitCodes } from '../failure.ts';
import { durationOption } from '../lookup.ts';
import { formatTime, table } from '../output.ts';
import { planOf } from './up.ts';

interface GatewayView {
  name: string;
  status: string;
  following: boolean;
  seenAt: number | null;
  journal: { records: number; signed: { records: number; at: number } | null; problem: string | null } | null;
  version: string | null;
  behind: number | null;
  open: number | null;
}

const stateOf = ({ status, following }: GatewayView) => (status === 'invited' ? 'invited' : following ? 'up' : 'away');

/** How far control has the journal of one elsewhere: the records under its last checkpoint, and when that was signed. */
function journalWords({ status, journal }: GatewayView): string | null {
  if (status === 'local') return 'here';
  if (journal === null) return null;
  const { records, signed, problem } = journal;
  const more = records - (signed?.records ?? 0);
  const words = signed === null ? 'nothing signed yet' : `${signed.records} records, ${formatTime(signed.at)}`;
  return [words, ...(more > 0 ? [`${more} more`] : []), ...(problem === null ? [] : ['NOT TAKEN'])].join(', ');
}

/** Gateways that joined a control elsewhere, by the identities in this data folder. */
function joinedIn(data: string): string[] {
  const folder = join(data, 'gateway');
  if (!existsSync(folder)) return [];
  return readdirSync(folder).filter((name) => existsSync(join(folder, name, 'identity.json')));
}

const administration: readonly Command[] = [
  {
    noun: 'gateway',
    verb: 'list',
    summary: 'Lists the gateways: who follows, how far behind, and who is invited',
    run: async ({ api, out }) => {
      const gateways = (await api.list('/gateways')) as unknown as GatewayView[];
      const rows = gateways.map((each) => [
        ...[each.name, stateOf(each), each.version, each.behind, each.open],
        each.seenAt === null ? null : formatTime(each.seenAt),
        journalWords(each),
      ]);
      out.answer(gateways, table(['NAME', 'STATE', 'VERSION', 'BEHIND', 'OPEN', 'SEEN', 'JOURNAL'], rows));
      for (const { name, journal } of gateways)
        if (journal?.problem) out.note(`what \`${name}\` sends of its journal is not taken: ${journal.problem}`);
      return exitCodes.done;
    },
  },
  {
    noun: 'gateway',
    verb: 'add',
    summary: 'Invites a gateway on another machine and shows the command to run there, once',
    details:
      'The token works once and for 15 minutes, unless --for says otherwise. Control listens by `listen.gateways`.',
    positionals: [{ name: 'name' }],
    options: {
      for: { type: 'string', value: 'duration', summary: 'how long the token works (1m to 1d, default 15m)' },
    },
    run: async ({ api, out, positionals, text }) => {
      const lifetime = text('for');
      const body = {
        name: positionals[0],
        ...(lifetime === undefined ? {} : { lifetimeMs: durationOption(lifetime, parseDuration) }),
      };
      const invited = (await api.call({ method: 'POST', path: '/gateways', body })).body as {
        command: string;
        expiresAt: number;
      };
      out.answer(invited, invited.command);
      out.note(
        `run it on the other machine before ${formatTime(invited.expiresAt)}; then \`nullius gateway run\` there`,
      );
      return exitCodes.done;
    },
  },
  {
    noun: 'gateway',
    verb: 'remove',
    summary: 'Removes a gateway: its connections end at once, and its certificate counts no more',
    positionals: [{ name: 'name' }],
    run: async ({ api, out, positionals }) => {
      await api.call({ method: 'DELETE', path: `/gateways/${encodeURIComponent(positionals[0] ?? '')}` });
      out.answer({ removed: positionals[0] }, '');
      out.note(`\`${positionals[0]}\` is removed`);
      return exitCodes.done;
    },
  },
];

const onThisMachine: readonly Command[] = [
  {
    noun: 'gateway',
    verb: 'join',
    summary: 'Makes this machine a gateway of a control elsewhere',
    details: 'The key is made here and never sent. The token proves control before anything is said to it.',
    positionals: [{ name: 'url' }],
    options: {
      token: { type: 'string', value: 'token', summary: 'what `nullius gateway add` showed', required: true },
    },
    run: async ({ globals, out, positionals, text }) => {
      const { EnrolmentError, identityPath, joinControl, writeIdentity } = await import('#shell/enrolment');
      const { prepareDataFolder } = await import('../../supervisor/data-folder.ts');
      const data = resolve(globals.data);
      const [already] = joinedIn(data);
      if (already !== undefined)
        throw new CliError(
          'failed',
          `\`${globals.data}\` holds the gateway \`${already}\` already; choose another --data`,
        );
      try {
        prepareDataFolder(data, { gatewayNames: [] });
        const identity = await joinControl({ url: positionals[0] ?? '', token: text('token') ?? '' });
        const path = identityPath(data, identity.name);
        mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
        await writeIdentity(path, { identity, isNew: true });
        out.answer({ joined: identity.name, file: path }, identity.name);
        out.note(`this machine is the gateway \`${identity.name}\`; start it with \`nullius gateway run\``);
      } catch (error) {
        if (error instanceof EnrolmentError)
          throw new CliError(error.code === 'bad-token' ? 'usage' : 'failed', error.message);
        if (error instanceof Error && error.name === 'SupervisorError') throw new CliError('failed', error.message);
        throw error;
      }
      return exitCodes.done;
    },
  },
  {
    noun: 'gateway',
    verb: 'run',
    summary: 'Runs the gateway that joined from this data folder until it is told to stop',
    details:
      'Prints `ready <name>` once it serves. `listen`, `tls` and `journal` of the configuration count here. Its events are in its own journal,\nwhich is sent to control once a minute (docs/operating/gateways.md).',
    options: {
      set: { type: 'string', multiple: true, value: 'key=value', summary: 'overrides one key of the configuration' },
    },
    run: async ({ globals, out, texts }): Promise<never> => {
      const { formatProblem, loadConfig, resolveBeside } = await import('../../config/index.ts');
      const { becomeSupervisor } = await import('../../supervisor/index.ts');
      const data = resolve(globals.data);
      const [gateway] = joinedIn(data);
      if (gateway === undefined)
        throw new CliError('failed', `no gateway joined in \`${globals.data}\`; run \`nullius gateway join\` first`);
      const overrides = texts('set');
      const file = globals.config ?? 'nullius.yaml';
      const loaded = loadConfig({
        file,
        optional: globals.config === undefined,
        overrides,
        isDomainElsewhere: true,
      });
      for (const problem of loaded.ok ? [] : loaded.problems) out.note(formatProblem(problem));
      if (!loaded.ok) throw new CliError('failed', 'nothing was started: mend the configuration above');
      if (loaded.config.tls.acme !== undefined)
        throw new CliError('failed', "`tls.acme` is control's, and holds for gateways elsewhere too: take it out here");
      const beside = (path: string | undefined) =>
        path === undefined ? null : loaded.file === null ? resolve(path) : resolveBeside(loaded.file, path);
      const { listen, tls, journalSync, journalRetentionMs } = planOf(loaded.config, { beside, overrides });
      return becomeSupervisor(
        { gateway, dataDirectory: data, listen, tls, journalSync, journalRetentionMs },
        { environment: process.env },
      );
    },
  },
];

export const gatewayCommands: readonly Command[] = [...administration, ...onThisMachine];
