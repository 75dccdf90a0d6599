import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Checkpoint, VerifyReport } from '#evidence/log';
import type { ApiClient } from '../client.ts';
import type { Command, Invocation, OptionSpec } from '../command.ts';
import { type EventView, eventLine } from '../event-line.ts';
import { CliError, exitCodes } from '../failure.ts';
import { findUser } from '../lookup.ts';
import { table, terminalJson } from '../output.ts';
import { productVersion } from '../product-version.ts';
import { parseTimeOrAgo } from '../time.ts';

const filterOptions: Readonly<Record<string, OptionSpec>> = {
  since: { type: 'string', value: 'time', summary: 'from this time on: `2026-01-31T12:00:00Z`, or `2h` ago' },
  until: { type: 'string', value: 'time', summary: 'before this time' },
  class: { type: 'string', value: 'number', summary: 'OCSF class, such as 4002 (requests) or 3002 (sign-ins)' },
  user: { type: 'string', value: 'user', summary: 'of this user' },
  resource: { type: 'string', value: 'name', summary: 'about this resource' },
  outcome: { type: 'string', value: 'success|failure', summary: 'what was done, or what was refused' },
  text: { type: 'string', value: 'text', summary: 'with this text anywhere in it' },
  shadow: {
    type: 'string',
    value: 'allow|deny|any',
    summary: 'decisions that a policy in shadow would have turned into this',
  },
};
const queryEventsMax = 10_000;
const exportPageEvents = 200;

async function queryOf({ api, text }: Invocation): Promise<Record<string, string | number | undefined>> {
  const [since, until, user, outcome, eventClass] = [
    text('since'),
    text('until'),
    text('user'),
    text('outcome'),
    text('class'),
  ];
  if (outcome !== undefined && outcome !== 'success' && outcome !== 'failure') {
    throw new CliError('usage', `\`${outcome}\` is no outcome; write \`success\` or \`failure\``);
  }
  if (eventClass !== undefined && !/^\d{4,5}$/.test(eventClass)) {
    throw new CliError('usage', `\`${eventClass}\` is no OCSF class; write a number such as 4002`);
  }
  const shadow = text('shadow');
  if (shadow !== undefined && !['allow', 'deny', 'any'].includes(shadow)) {
    throw new CliError('usage', `\`${shadow}\` is no answer; write \`allow\`, \`deny\` or \`any\``);
  }
  return {
    since: since === undefined ? undefined : parseTimeOrAgo(since),
    until: until === undefined ? undefined : parseTimeOrAgo(until),
    class: eventClass,
    user: user === undefined ? undefined : (await findUser(api, user)).id,
    resource: text('resource'),
    outcome,
    q: text('text'),
    shadow,
  };
}

async function* oldestFirst(api: ApiClient, query: Awaited<ReturnType<typeof queryOf>>): AsyncGenerator<EventView> {
  let cursor: string | undefined;
  do {
    const call = {
      method: 'GET',
      path: '/events',
      query: { ...query, order: 'oldest-first', limit: exportPageEvents, cursor },
    } as const;
    const page = (await api.call(call)).body as { items: EventView[]; next: string | null };
    yield* page.items;
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
}

function readPinned(path: string, parse: (line: string) => Checkpoint | undefined): Checkpoint[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    throw new CliError(
      'usage',
      `\`${path}\` cannot be read; --checkpoint needs a file made by \`nullius log checkpoint\``,
    );
  }
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const checkpoints = lines.map(parse).filter((checkpoint) => checkpoint !== undefined);
  if (checkpoints.length === 0 || checkpoints.length !== lines.length) {
    throw new CliError('usage', `\`${path}\` is no checkpoint; make one by \`nullius log checkpoint\``);
  }
  return checkpoints;
}

function reportWords(report: VerifyReport): string {
  const rows = report.writers.map((each) => [
    each.writer,
    each.size,
    each.pruned,
    each.signedSize,
    each.checkpoints,
    resultOf(each),
  ]);
  const faults = report.writers.flatMap((each) =>
    each.faults.map((fault) => `${each.writer}: ${fault.kind}: ${fault.words}`),
  );
  const headings = ['WRITER', 'RECORDS', 'PRUNED', 'SIGNED', 'CHECKPOINTS', 'RESULT'];
  return [table(headings, rows), ...faults, report.claim].join('\n');
}

function resultOf({ faults, size, signedSize }: VerifyReport['writers'][number]): string {
  if (faults.length > 0) return faults.length === 1 ? '1 fault' : `${faults.length} faults`;
  // A checkpoint is written every minute: what came since is chained, and nobody has signed it.
  if (size === 0) return 'empty';
  if (signedSize >= size) return 'sound';
  return signedSize === 0 ? 'whole, not signed yet' : `sound, last ${size - signedSize} not signed yet`;
}

export const logCommands: readonly Command[] = [
  {
    noun: 'log',
    verb: 'tail',
    summary: 'Follows the log as it is written',
    run: async ({ api, out }) => {
      const stop = new AbortController();
      process.once('SIGINT', () => stop.abort());
      out.note('waiting for events; Ctrl-C ends it');
      const onData = (data: string) => {
        const event = JSON.parse(data) as EventView;
        out.line(event, eventLine(event));
      };
      await api.stream({ method: 'GET', path: '/events/stream' }, { onData, signal: stop.signal });
      return exitCodes.done;
    },
  },
  {
    noun: 'log',
    verb: 'query',
    summary: 'Finds events, newest first, or one by its correlation id',
    positionals: [{ name: 'correlation-id', optional: true }],
    options: {
      ...filterOptions,
      limit: { type: 'string', value: 'number', summary: 'at most this many (default 50)' },
    },
    run: async (invocation) => {
      const { api, out, positionals, text } = invocation;
      const [id] = positionals;
      if (id !== undefined) {
        const { body } = await api.call({ method: 'GET', path: `/events/${encodeURIComponent(id)}` });
        out.answer(body, terminalJson(body, 2));
        return exitCodes.done;
      }
      const limit = Number(text('limit') ?? 50);
      if (!Number.isInteger(limit) || limit < 1 || limit > queryEventsMax) {
        throw new CliError('usage', `--limit is a number from 1 to ${queryEventsMax}`);
      }
      const events = await api.list('/events', { query: await queryOf(invocation), max: limit });
      out.answer(events, (events as unknown as EventView[]).map(eventLine).join('\n'));
      if (events.length === 0) out.note('no event is like that');
      return exitCodes.done;
    },
  },
  {
    noun: 'log',
    verb: 'export',
    summary: 'Writes events to stdout as lines of JSON, oldest first, for a SIEM',
    options: {
      ...filterOptions,
      format: { type: 'string', value: 'ocsf|record', summary: 'complete OCSF events (default), or our own records' },
    },
    run: async (invocation) => {
      const { toOcsf } = await import('#evidence/log');
      const format = invocation.text('format') ?? 'ocsf';
      if (format !== 'ocsf' && format !== 'record') {
        throw new CliError('usage', `\`${format}\` is no format; write \`ocsf\` or \`record\``);
      }
      const version = productVersion();
      const query = await queryOf(invocation);
      for await (const event of oldestFirst(invocation.api, query)) {
        const record = { pseudonym: '', ...event };
        const line = format === 'ocsf' ? toOcsf(record, { productVersion: version }) : event;
        invocation.out.line(line, terminalJson(line));
      }
      return exitCodes.done;
    },
  },
  {
    noun: 'log',
    verb: 'checkpoint',
    summary: 'Prints the newest signed checkpoint of every writer, to be kept elsewhere',
    details: 'Works on the files. Keep the lines where nobody who can write the data folder can change them.',
    run: async ({ globals, out }) => {
      const { formatCheckpoint, listWriters, readCheckpoints } = await import('#evidence/log');
      const directory = journalDirectory(globals.data);
      const newest = fromLog(() =>
        listWriters(directory).map((writer) => readCheckpoints(join(directory, writer)).checkpoints.at(-1)),
      );
      const checkpoints = newest.filter((checkpoint) => checkpoint !== undefined);
      if (checkpoints.length === 0) throw new CliError('failed', 'no checkpoint was signed yet: wait a minute');
      for (const checkpoint of checkpoints) out.line(checkpoint, formatCheckpoint(checkpoint));
      return exitCodes.done;
    },
  },
  {
    noun: 'log',
    verb: 'verify',
    summary: 'Recomputes the whole log from its files and checks every signature; exit 1 when anything is wrong',
    details:
      'Works on the files, with or without a server. Only with --checkpoint does it claim to notice tampering by someone who can write every file.',
    options: {
      checkpoint: { type: 'string', value: 'file', summary: 'checkpoints that were kept elsewhere (`log checkpoint`)' },
      keys: {
        type: 'string',
        value: 'file',
        summary: 'public statement keys kept elsewhere (default `statement-keys.json` in the data folder)',
      },
    },
    run: async ({ globals, out, text }) => {
      const { parseCheckpoint, verifyLog } = await import('#evidence/log');
      const { noteVerifier, readStatementKeys, statementKeysFile } = await import('#shell/journal');
      const directory = journalDirectory(globals.data);
      const file = text('checkpoint');
      const pinned = file === undefined ? [] : readPinned(file, parseCheckpoint);
      const keys = fromLog(() => readStatementKeys(text('keys') ?? statementKeysFile(globals.data)));
      const report = await verifyLog({ directory, verifyNote: noteVerifier(keys), pinned }).catch((error: unknown) =>
        fromLog(() => {
          throw error;
        }),
      );
      out.answer(report, reportWords(report));
      return report.ok ? exitCodes.done : exitCodes.no;
    },
  },
];

/** For commands that read the files. Throws CliError when nothing was ever started there. */
function journalDirectory(data: string): string {
  if (existsSync(data)) return join(data, 'journal');
  throw new CliError(
    'failed',
    `there is no data folder \`${data}\`; run this where \`nullius up\` was started, or name the folder with --data`,
  );
}

/** LogErrors have words for people already. */
function fromLog<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof Error && error.name === 'LogError') throw new CliError('failed', error.message);
    throw error;
  }
}
