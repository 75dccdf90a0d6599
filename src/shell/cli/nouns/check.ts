import type { Problem } from '#decision/engine';
import type { ConfigProblem, PolicyFolder } from '../../config/index.ts';
import type { Command } from '../command.ts';
import { exitCodes } from '../failure.ts';

export const checkCommands: readonly Command[] = [
  {
    noun: 'check',
    verb: null,
    summary: 'Checks the configuration and the policies with their tests, without starting anything',
    details:
      'Exit 1 when something must be mended; warnings alone exit 0. What takes longer has commands of its own: `nullius policy prove` proves the invariants.',
    options: { set: { type: 'string', multiple: true, value: 'key=value', summary: 'as for `nullius up`' } },
    run: async ({ globals, out, texts }) => {
      const { formatProblem, loadConfig, policySource } = await import('../../config/index.ts');
      const file = globals.config ?? 'nullius.yaml';
      const loaded = loadConfig({ file, optional: globals.config === undefined, overrides: texts('set') });
      const problems = loaded.ok
        ? [
            ...loaded.warnings,
            ...(await policyProblems(loaded.file ?? file, policySource(loaded.config.policies)?.folder)),
          ]
        : loaded.problems;
      for (const problem of problems) out.note(formatProblem(problem));
      const isGood = !problems.some((problem) => problem.severity === 'error');
      out.answer({ ok: isGood, file: loaded.ok ? loaded.file : file, problems }, '');
      if (loaded.ok && isGood) {
        out.note(
          loaded.file === null
            ? 'no `nullius.yaml` here: the defaults are used, and they are good'
            : `\`${file}\` is good`,
        );
      }
      return isGood ? exitCodes.done : exitCodes.no;
    },
  },
];

/** What is wrong with the policies of the folder that the configuration names: what `nullius up` would refuse, proofs apart. */
async function policyProblems(configFile: string, folder: string | undefined): Promise<ConfigProblem[]> {
  if (folder === undefined) return [];
  const { PolicyFolderError, readPolicyFolder, resolveBeside } = await import('../../config/index.ts');
  const { checkPolicies, preparePolicies } = await import('#decision/parser');
  const { problemWords } = await import('#decision/engine');
  const { join } = await import('node:path');
  const path = resolveBeside(configFile, folder);
  try {
    const { schema, policies, tests } = readPolicyFolder(path);
    // Without a schema of its own the folder goes with the one in force; then only syntax and annotations are checked here.
    const { problems, parsedForm } =
      schema === undefined
        ? { problems: checkPolicies({ policies, schema: null }), parsedForm: undefined }
        : preparePolicies({ policies, schema });
    const wrong = problems.map((problem) => ({ ...problem, message: problemWords(problem) }));
    const failed =
      schema === undefined || parsedForm === undefined
        ? []
        : await failedTests(parsedForm, { policies, schema, tests });
    return [...wrong, ...failed].map(({ file, line, column, level, message }) => ({
      file: file === undefined ? path : join(folder, file),
      line: line ?? 1,
      column: column ?? 1,
      severity: level,
      message,
    }));
  } catch (error) {
    if (!(error instanceof PolicyFolderError)) throw error;
    return [{ file: path, line: 1, column: 1, severity: 'error', message: error.message }];
  }
}

/** The folder's tests that the policies do not pass: with one of them nothing is put in force. */
async function failedTests(
  parsedForm: string,
  { policies, schema, tests }: Pick<PolicyFolder, 'policies' | 'tests'> & { readonly schema: string },
): Promise<Pick<Problem, 'file' | 'line' | 'column' | 'level' | 'message'>[]> {
  const { failedTestProblem, readPolicyTests, runPolicyTests, TestFileError } = await import('#decision/analysis');
  const { readParsedForm } = await import('#decision/engine');
  try {
    const { results } = runPolicyTests(
      readParsedForm(parsedForm, { sources: policies, schema }),
      readPolicyTests(tests),
    );
    return results.filter(({ passed }) => !passed).map((result) => ({ ...failedTestProblem(result), level: 'error' }));
  } catch (error) {
    if (!(error instanceof TestFileError)) throw error;
    return error.problems.map((problem) => ({ ...problem, level: 'error' }));
  }
}
