import type { PolicyFolder } from '../../config/policy-folder.ts';
import type { ApiClient } from '../client.ts';
import type { Command, Invocation } from '../command.ts';
import { CliError, exitCodes } from '../failure.ts';
import { diffTexts } from '../line-diff.ts';
import { type ToldProblem, toldLine } from '../problem-line.ts';
import { readFolder } from '../read-folder.ts';
import { policyAccessCommands } from './policy-access.ts';
import { draftCommand } from './policy-draft.ts';
import { explainCommand } from './policy-explain.ts';
import { lifeCommands, sequenceFrom } from './policy-life.ts';
import { compareMeanings, readWithSchema, timeoutOption } from './policy-prove.ts';
import { simulateCommand } from './policy-simulate.ts';
import { testCommand } from './policy-test.ts';

interface PublicationView {
  id: string;
  revision: number;
  sequence: number;
  schema: string;
  policies: { file: string; text: string }[];
  author: string;
  message: string;
  publishedAt: number;
}

async function currentPublication(api: ApiClient): Promise<PublicationView> {
  return (await api.call({ method: 'GET', path: '/policies/current' })).body as PublicationView;
}

/** Says what is wrong or doubtful in a folder before anything is made of it, by the names that are there now. */
async function tellProblems({ api, out }: Invocation, folder: PolicyFolder, name: string): Promise<boolean> {
  const { schema, policies, invariants } = folder;
  const body = { ...(schema === undefined ? {} : { schema }), policies, invariants };
  const answer = await api.call({ method: 'POST', path: '/policies/validate', body });
  const { valid, problems } = answer.body as { valid: boolean; problems: ToldProblem[] };
  if (!valid) out.note(`\`${name}\` is not valid:`);
  for (const problem of problems) out.note(toldLine(problem, name));
  return valid;
}

const listCommands: readonly Command[] = [
  {
    noun: 'policy',
    verb: 'show',
    summary: 'Shows the policies in force, or those of an earlier publication',
    positionals: [{ name: 'sequence', optional: true }],
    run: async ({ api, out, positionals }) => {
      const [sequence] = positionals;
      const path = sequence === undefined ? '/policies/current' : `/policies/history/${sequenceFrom(sequence)}`;
      const publication = (await api.call({ method: 'GET', path })).body as PublicationView;
      const files = publication.policies.map((each) => `// ${each.file}\n${each.text.trimEnd()}`);
      out.answer(publication, files.join('\n\n'));
      return exitCodes.done;
    },
  },
  {
    noun: 'policy',
    verb: 'diff',
    summary:
      'Compares a folder with the policies in force, or two folders by what they let in; exit 1 when they differ',
    details: `With one folder the texts are compared, or with --meaning what they let in. \`nullius policy diff OLD NEW\` says for all requests and facts
whether two sets are equivalent, more or less permissive, or both, with a request each way that was put to both engines; exit 3: not decided.`,
    positionals: [
      { name: 'folder', optional: true },
      { name: 'new', optional: true },
    ],
    options: {
      meaning: { type: 'boolean', summary: 'compare what they let in, not their texts' },
      timeout: timeoutOption,
    },
    run: async (invocation) => {
      const { api, out, positionals, flag } = invocation;
      const [old, next] = positionals;
      if (old !== undefined && next !== undefined) {
        const folders = { before: old, after: next };
        return await compareMeanings(invocation, { before: readFolder(old), after: readWithSchema(next), folders });
      }
      const name = old ?? 'policies';
      const folder = readFolder(name);
      const isValid = await tellProblems(invocation, folder, name);
      if (flag('meaning')) {
        if (!isValid) throw new CliError('no', 'nothing was compared: mend what is wrong first');
        const before = await currentPublication(api);
        const after = { policies: folder.policies, schema: folder.schema ?? before.schema };
        return await compareMeanings(invocation, { before, after, folders: { before: undefined, after: name } });
      }
      const current = await currentPublication(api);
      const before = new Map(current.policies.map((each) => [each.file, each.text]));
      const after = new Map(folder.policies.map((each) => [each.file, each.text]));
      if (folder.schema !== undefined) {
        before.set('(schema)', current.schema);
        after.set('(schema)', folder.schema);
      }
      const files = [...new Set([...before.keys(), ...after.keys()])].sort();
      const changed = files
        .map((file) => ({ file, diff: diffTexts(before.get(file) ?? '', after.get(file) ?? '') }))
        .filter((each) => each.diff !== '');
      out.answer(
        changed,
        changed.map((each) => `--- in force: ${each.file}\n+++ folder: ${each.file}\n${each.diff}`).join('\n'),
      );
      if (changed.length === 0) out.note('no difference');
      return changed.length === 0 && isValid ? exitCodes.done : exitCodes.no;
    },
  },
];

export const policyCommands: readonly Command[] = [
  ...listCommands,
  ...lifeCommands,
  draftCommand,
  explainCommand,
  ...policyAccessCommands,
  simulateCommand,
  testCommand,
];
