import type { Command, Invocation } from '../command.ts';
import { CliError, exitCodes } from '../failure.ts';
import { formatTime, table } from '../output.ts';
import { type ToldProblem, toldLine } from '../problem-line.ts';
import { readFolder } from '../read-folder.ts';
import { overrideOption, putInForce, stateOptions, statesFrom } from './policy-life.ts';

interface Draft {
  id: string;
  author: string;
  message: string;
  savedAt: number;
  policyCount: number;
}

interface FullDraft {
  schema: string;
  policies: { file: string; text: string }[];
  tests: { file: string; text: string }[];
  invariants: { file: string; text: string }[];
}

const pathOf = (name: string) => `/policies/drafts/${encodeURIComponent(name)}`;

function nameOf({ positionals }: Invocation): string {
  const [, name] = positionals;
  if (name === undefined) throw new CliError('usage', '`<name>` is missing: which draft');
  return name;
}

async function list({ api, out }: Invocation) {
  const items = (await api.list('/policies/drafts')) as unknown as Draft[];
  const rows = items.map((each) => [each.id, formatTime(each.savedAt), each.author, each.policyCount, each.message]);
  out.answer(items, table(['NAME', 'SAVED', 'BY', 'FILES', 'MESSAGE'], rows));
  return exitCodes.done;
}

async function save(invocation: Invocation) {
  const { api, out, text } = invocation;
  const folder = text('from') ?? 'policies';
  const { schema, policies, tests, invariants } = readFolder(folder);
  const body = {
    ...(schema === undefined ? {} : { schema }),
    policies,
    tests,
    invariants,
    message: text('message') ?? '',
  };
  const name = nameOf(invocation);
  const saved = (await api.call({ method: 'PUT', path: pathOf(name), body })).body as { problems?: ToldProblem[] };
  out.answer(saved, '');
  for (const problem of saved.problems ?? []) out.note(toldLine(problem, folder));
  out.note(`draft \`${name}\` is kept; nothing judges by it`);
  return exitCodes.done;
}

async function show(invocation: Invocation) {
  const { api, out } = invocation;
  const draft = (await api.call({ method: 'GET', path: pathOf(nameOf(invocation)) })).body as FullDraft;
  const files = [...draft.policies, ...draft.tests, ...draft.invariants];
  out.answer(draft, files.map((each) => `// ${each.file}\n${each.text.trimEnd()}`).join('\n\n'));
  return exitCodes.done;
}

async function test(invocation: Invocation) {
  const { api, out } = invocation;
  const answer = await api.call({ method: 'POST', path: `${pathOf(nameOf(invocation))}/test` });
  const tested = answer.body as {
    ok: boolean;
    problems: ToldProblem[];
    failures: string[];
    report: { passed: number; failed: number; coverage: { percent: number } } | null;
  };
  const { report } = tested;
  const sum = `${report?.passed} passed, ${report?.failed} failed, coverage ${report?.coverage.percent}%`;
  const words = [
    ...tested.problems.map((problem) => toldLine(problem)),
    ...tested.failures,
    ...(report === null ? ['no test was run'] : [sum]),
  ];
  out.answer(tested, words.join('\n'));
  return tested.ok ? exitCodes.done : exitCodes.no;
}

async function publish(invocation: Invocation) {
  const { api, out, text } = invocation;
  const name = nameOf(invocation);
  const { schema, policies, tests, invariants } = (await api.call({ method: 'GET', path: pathOf(name) }))
    .body as FullDraft;
  const override = text('override');
  const message = text('message') ?? `the draft ${name}`;
  const states = statesFrom(invocation);
  const body = {
    schema,
    policies,
    tests,
    invariants,
    states,
    message,
    ...(override === undefined ? {} : { override }),
  };
  await putInForce(invocation, { path: '/policies/publish', body });
  out.note(`the draft is kept until \`nullius policy draft discard ${name}\``);
  return exitCodes.done;
}

async function discard(invocation: Invocation) {
  const name = nameOf(invocation);
  await invocation.api.call({ method: 'DELETE', path: pathOf(name) });
  invocation.out.answer({ id: name }, '');
  invocation.out.note(`draft \`${name}\` is discarded`);
  return exitCodes.done;
}

const actions: Readonly<Record<string, (invocation: Invocation) => ReturnType<Command['run']>>> = {
  list,
  save,
  show,
  test,
  publish,
  discard,
};

export const draftCommand: Command = {
  noun: 'policy',
  verb: 'draft',
  summary: 'Keeps policy sets that nothing judges by yet: list, save, show, test, publish, discard',
  details: `nullius policy draft save tighter --from policies -m "no deletes at night"
nullius policy draft test tighter
nullius policy draft publish tighter --shadow no-deletes
nullius policy draft discard tighter`,
  positionals: [{ name: 'action' }, { name: 'name', optional: true }],
  options: {
    from: { type: 'string', value: 'folder', summary: 'folder to save (default `policies`)' },
    message: { type: 'string', short: 'm', value: 'words', summary: 'what it is for' },
    ...stateOptions,
    override: overrideOption,
  },
  run: async (invocation) => {
    const [word = ''] = invocation.positionals;
    const action = Object.hasOwn(actions, word) ? actions[word] : undefined;
    if (action === undefined) {
      const known = Object.keys(actions).map((each) => `\`${each}\``);
      throw new CliError('usage', `\`${word}\` cannot be done with a draft; there are ${known.join(', ')}`);
    }
    return action(invocation);
  },
};
