import { setTimeout as pause } from 'node:timers/promises';
import type { GateProgress, GitOrigin } from '#foundation/model';
import type { PolicyFolder } from '../../config/policy-folder.ts';
import type { ApiCall, ApiClient } from '../client.ts';
import type { Command, Invocation } from '../command.ts';
import { CliError, exitCodes } from '../failure.ts';
import { formatTime, table } from '../output.ts';
import { type ToldProblem, toldLine } from '../problem-line.ts';
import { readFolder } from '../read-folder.ts';

/** How long nothing may be heard: longer than control gives tests and proofs. */
export const gatesMsMax = 180_000;

type Stage = { percent: number } | { segments: string[] } | { groups: string[] };
type StateChange = { id: string } & ({ state: 'enforced' | 'shadow' } | { state: 'staged'; stage: Stage });

/** A publication as lists and answers have it. */
interface PublicationLine {
  sequence: number;
  author: string;
  message: string;
  publishedAt: number;
  states: ({ id: string } & ({ state: 'shadow' } | { state: 'staged'; stage: Stage }))[];
  git: { commit: string; author: string; isDirty: boolean; isStated: boolean } | null;
  override: { reason: string; gates: string[] } | null;
}

const stageHint = 'write `25%`, `segment:NAME` or `group:NAME`; several names are joined by commas';

/** Reads `25%`, `segment:pci`, `group:ops,dev`. */
export function parseStage(text: string): Stage {
  const percent = /^([0-9]{1,3})%$/.exec(text)?.[1];
  if (percent !== undefined && Number(percent) <= 100) return { percent: Number(percent) };
  const [kind, names = ''] = text.split(':', 2);
  const list = names.split(',').filter((name) => name !== '');
  if (list.length > 0 && kind === 'segment') return { segments: list };
  if (list.length > 0 && kind === 'group') return { groups: list };
  throw new CliError('usage', `\`${text}\` is no stage; ${stageHint}`);
}

function formatStage(stage: Stage): string {
  if ('percent' in stage) return `${stage.percent}%`;
  return 'segments' in stage ? `segment:${stage.segments.join(',')}` : `group:${stage.groups.join(',')}`;
}

function formatStates(states: PublicationLine['states']): string {
  return states
    .map((each) => (each.state === 'shadow' ? `${each.id} shadow` : `${each.id} ${formatStage(each.stage)}`))
    .join(', ');
}

/** `ID=25%`: the id may hold an equals sign, a stage never does. */
function stagedFrom(text: string): StateChange {
  const at = text.lastIndexOf('=');
  if (at <= 0) throw new CliError('usage', `\`${text}\` names no policy and stage; write \`ID=25%\``);
  return { id: text.slice(0, at), state: 'staged', stage: parseStage(text.slice(at + 1)) };
}

/** What can be done where a gate is closed: the same command with an override. */
const overrideHint = 'mend it, or repeat the command with `--override "reason"`';

function gateWords({ step, done, total, what }: GateProgress): string {
  if (step === 'tests') return 'checking the policies and running their tests';
  return total === 0 ? 'proving the invariants' : `proved ${done} of ${total}: ${what}`;
}

/** The newest publication; undefined where there is none, or it may not be read. */
async function newestPublication(api: ApiClient): Promise<PublicationLine | undefined> {
  const [newest] = await api.list('/policies/history', { max: 1 }).catch(() => []);
  return newest as PublicationLine | undefined;
}

/** Control hears of a closed connection at once; what it was just about to commit is committed by then. */
const hearMs = 300;

/** What came of a publication that Ctrl-C called off. */
function calledOffWords(before: PublicationLine | undefined, now: PublicationLine | undefined): string {
  if (before === undefined || now === undefined) return 'called off; `nullius policy history` shows what is in force';
  if (before.sequence === now.sequence) return `called off: publication ${now.sequence} stays in force`;
  return `too late to call it off: publication ${now.sequence} is in force: ${now.message}`;
}

/**
 * Puts policies in force, and says which publication they are; none is made where nothing changes. Ctrl-C closes the connection, at which
 * control puts nothing in force any more.
 */
export async function putInForce(
  { api, out }: Invocation,
  {
    mend = overrideHint,
    same = '',
    ...call
  }: Pick<ApiCall, 'path' | 'body' | 'folder'> & { mend?: string; same?: string },
) {
  // Asked before anything is sent: a quick publication would else be taken for the one before it.
  const before = await newestPublication(api);
  const stop = new AbortController();
  const callOff = () => stop.abort();
  process.once('SIGINT', callOff);
  const published = await api
    .work<GateProgress, PublicationLine & { isNew: boolean; warnings?: ToldProblem[] }>(
      { ...call, method: 'POST', timeoutMs: gatesMsMax },
      { onProgress: (progress) => out.note(gateWords(progress)), signal: stop.signal },
    )
    .finally(() => process.off('SIGINT', callOff))
    .catch(async (error: unknown) => {
      if (stop.signal.aborted) {
        await pause(hearMs);
        throw new CliError('failed', calledOffWords(before, await newestPublication(api)));
      }
      const isClosed = error instanceof CliError && (error.detail as { code?: string } | null)?.code === 'gate-closed';
      throw isClosed ? new CliError(error.code, `${error.message}\n${mend}`, error.detail) : error;
    });
  out.answer(published, '');
  if (!published.isNew) {
    out.note(`nothing changes: publication ${published.sequence} says the same, and stays in force${same}`);
    return;
  }
  for (const warning of published.warnings ?? []) out.note(toldLine(warning, call.folder));
  out.note(`publication ${published.sequence} is in force: ${published.message}`);
  if (published.git !== null && call.folder !== undefined) out.note(`noted beside it: commit ${originOf(published)}`);
  if (published.states.length > 0) out.note(`not enforced for everyone: ${formatStates(published.states)}`);
  if (published.override !== null)
    out.note(
      `although these gates were closed: ${published.override.gates.join(', ')}; the log has it at severity high`,
    );
}

async function changeStates(invocation: Invocation, changes: readonly StateChange[]) {
  const message = invocation.text('message');
  const body = { changes, ...(message === undefined ? {} : { message }) };
  const mend = 'mend it, or publish with this state and `--override "reason"` (`nullius policy publish --help`)';
  await putInForce(invocation, { path: '/policies/states', body, mend });
  return exitCodes.done;
}

/** The number of a publication. Throws CliError. */
export function sequenceFrom(word: string): number {
  if (/^[1-9][0-9]{0,14}$/.test(word)) return Number(word);
  throw new CliError('usage', `\`${word}\` is no publication; \`nullius policy history\` shows their numbers`);
}

const message = { type: 'string', short: 'm', value: 'words', summary: 'why, for the history' } as const;

async function history(api: ApiClient): Promise<PublicationLine[]> {
  return (await api.list('/policies/history')) as unknown as PublicationLine[];
}

function originOf({ git }: PublicationLine): string {
  if (git === null) return '';
  const { commit, author, isDirty, isStated } = git;
  return `${commit.slice(0, 12)}${isDirty ? ' + changes' : ''} ${author}${isStated ? ' (stated)' : ''}`;
}

const historyCommands: readonly Command[] = ['history', 'list'].map((verb) => ({
  noun: 'policy',
  verb,
  summary:
    verb === 'list'
      ? 'The same as `policy history`'
      : 'Lists the publications, newest first, with the states of their policies',
  run: async ({ api, out }) => {
    const items = await history(api);
    const rows = items.map((each) => [
      each.sequence,
      formatTime(each.publishedAt),
      each.author,
      each.override === null ? each.message : `${each.message} (override: ${each.override.reason})`,
      formatStates(each.states),
      originOf(each),
    ]);
    out.answer(items, table(['SEQUENCE', 'PUBLISHED', 'BY', 'MESSAGE', 'NOT ENFORCED FOR ALL', 'COMMIT'], rows));
    return exitCodes.done;
  },
}));

/** What this program says of a folder; the server cannot look for itself. */
const statedOrigin = ({ commit, author, isDirty }: GitOrigin) => ({ commit, author, isDirty });

async function gitOriginOf(folder: string, options: { allowDirty: boolean }) {
  const { GitOriginError, readGitOrigin } = await import('../../config/git-origin.ts');
  try {
    return await readGitOrigin(folder, options);
  } catch (error) {
    throw error instanceof GitOriginError ? new CliError('failed', error.message) : error;
  }
}

async function notedCommitOf(folder: string, read: PolicyFolder): Promise<GitOrigin | undefined> {
  const { notedCommit } = await import('../../config/noted-commit.ts');
  return notedCommit(folder, read);
}

export const overrideOption = {
  type: 'string',
  value: 'reason',
  summary: 'publish although tests or invariants fail, or are dropped; loud in the log',
} as const;

/** In which state policies are published; those that are not named keep theirs. */
export const stateOptions = {
  shadow: { type: 'string', multiple: true, value: 'id', summary: 'evaluate this policy, do not enforce it' },
  stage: { type: 'string', multiple: true, value: 'id=stage', summary: 'enforce this policy for a part only' },
  enforce: { type: 'string', multiple: true, value: 'id', summary: 'enforce this policy for everyone' },
} as const;

/** What `stateOptions` say. Throws CliError. */
export function statesFrom({ texts }: Invocation): StateChange[] {
  return [
    ...texts('shadow').map((id) => ({ id, state: 'shadow' as const })),
    ...texts('stage').map(stagedFrom),
    ...texts('enforce').map((id) => ({ id, state: 'enforced' as const })),
  ];
}

const publishCommand: Command = {
  noun: 'policy',
  verb: 'publish',
  summary: 'Puts the policies of a folder in force, everywhere at once',
  details: `The tests (\`*.test.yaml\`) and invariants of the folder are published with them and must pass. Policies that are not named keep their
state; new ones are enforced. The commit that the folder is checked out at is noted in the
history, and whether the folder differs from it. --shadow: evaluated and logged only. --stage ID=25%, ID=segment:S or ID=group:G: in force there only.`,
  positionals: [{ name: 'folder', optional: true }],
  options: {
    from: { type: 'string', value: 'folder', summary: 'the same as the folder (default `policies`)' },
    message,
    git: {
      type: 'boolean',
      summary:
        'take the message from Git as well; the folder must be as committed, and another commit alone is published',
    },
    'allow-dirty': { type: 'boolean', summary: 'with --git: publish also what is not committed, and say so' },
    ...stateOptions,
    override: overrideOption,
  },
  run: async (invocation) => {
    const { positionals, text, flag } = invocation;
    const folder = positionals[0] ?? text('from') ?? 'policies';
    const read = readFolder(folder);
    const { schema, policies, tests, invariants } = read;
    const origin = flag('git') ? await gitOriginOf(folder, { allowDirty: flag('allow-dirty') }) : undefined;
    const noted = origin === undefined ? await notedCommitOf(folder, read) : undefined;
    const words = text('message') ?? origin?.message;
    if (words === undefined)
      throw new CliError('usage', '`--message <words>` is missing: why, for the history (or `--git`)');
    const states = statesFrom(invocation);
    const override = text('override');
    const body = {
      ...(schema === undefined ? {} : { schema }),
      ...(override === undefined ? {} : { override }),
      policies,
      tests,
      invariants,
      states,
      ...(origin === undefined ? {} : { git: statedOrigin(origin.origin) }),
      // Another commit alone is nothing to publish, unless Git was to say what is.
      ...(noted === undefined ? {} : { git: { ...statedOrigin(noted), isNews: false } }),
      message: words,
    };
    await putInForce(invocation, { path: '/policies/publish', body, folder });
    return exitCodes.done;
  },
};

const stateCommands: readonly Command[] = [
  {
    noun: 'policy',
    verb: 'stage',
    summary: 'Puts a policy in force for a part: a share of subjects, segments, or groups',
    details:
      'nullius policy stage no-deletes-at-night 25%\nnullius policy stage no-deletes-at-night segment:pci\nA share is of all subjects, the same ones each time; a larger share holds the smaller one.',
    positionals: [{ name: 'id' }, { name: 'stage' }],
    options: { message },
    run: async (invocation) => {
      const [id = '', stage = ''] = invocation.positionals;
      return changeStates(invocation, [{ id, state: 'staged', stage: parseStage(stage) }]);
    },
  },
  ...(['shadow', 'promote'] as const).map(
    (verb): Command => ({
      noun: 'policy',
      verb,
      summary:
        verb === 'shadow'
          ? 'Takes policies out of force: they are evaluated and logged, and change no answer'
          : 'Puts policies that are in shadow or staged in force for everyone',
      positionals: [{ name: 'id', many: true }],
      options: { message },
      run: async (invocation) => {
        const state = verb === 'shadow' ? 'shadow' : 'enforced';
        return changeStates(
          invocation,
          invocation.positionals.map((id) => ({ id, state })),
        );
      },
    }),
  ),
  {
    noun: 'policy',
    verb: 'rollback',
    summary: 'Puts an earlier publication in force again, with the states it had',
    details: `Works on the local socket even when the policies in force let nobody in; it is loud in the log. The invariants of today stay in force and
must hold of the earlier policies, and no test of today may be lost, unless --override says why; then it comes back with what it had.`,
    positionals: [{ name: 'sequence', optional: true }],
    options: {
      message,
      override: {
        type: 'string',
        value: 'reason',
        summary: 'go back although invariants of today do not hold, or tests are lost',
      },
    },
    run: async (invocation) => {
      const { positionals, text } = invocation;
      const [word] = positionals;
      const [words, override] = [text('message'), text('override')];
      const body = {
        ...(word === undefined ? {} : { sequence: sequenceFrom(word) }),
        ...(override === undefined ? {} : { override }),
        ...(words === undefined ? {} : { message: words }),
      };
      const same =
        override === undefined ? '; invariants that were others then come back with `--override "reason"`' : '';
      await putInForce(invocation, { path: '/policies/rollback', body, same });
      return exitCodes.done;
    },
  },
];

/** The life of policies: history, publishing, states, the way back. */
export const lifeCommands: readonly Command[] = [...historyCommands, publishCommand, ...stateCommands];
