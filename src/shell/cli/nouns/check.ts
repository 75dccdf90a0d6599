import type { ConfigProblem } from '../../config/index.ts';
import type { Command } from '../command.ts';
import { exitCodes } from '../failure.ts';

export const checkCommands: readonly Command[] = [
  {
    noun: 'check',
    verb: null,
    summary: 'Checks the configuration and the policies without starting anything',
    details: 'Exit 1 when something must be mended; warnings alone exit 0.',
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
        out.note(loaded.file === null ? 'no configuration file: defaults are used' : `\`${file}\` is good`);
      }
      return isGood ? exitCodes.done : exitCodes.no;
    },
  },
];

/** What is wrong with the policies of the folder that the configuration names. */
async function policyProblems(configFile: string, folder: string | undefined): Promise<ConfigProblem[]> {
  if (folder === undefined) return [];
  const { PolicyFolderError, readPolicyFolder, resolveBeside } = await import('../../config/index.ts');
  const { checkPolicies } = await import('#decision/parser');
  const { problemWords } = await import('#decision/engine');
  const { join } = await import('node:path');
  const path = resolveBeside(configFile, folder);
  try {
    const { schema, policies } = readPolicyFolder(path);
    // Without a schema of its own the folder goes with the one in force; then only syntax and annotations are checked here.
    return checkPolicies({ policies, schema: schema ?? null }).map((problem) => ({
      file: problem.file === undefined ? path : join(folder, problem.file),
      line: problem.line ?? 1,
      column: problem.column ?? 1,
      severity: problem.level,
      message: problemWords(problem),
    }));
  } catch (error) {
    if (!(error instanceof PolicyFolderError)) throw error;
    return [{ file: path, line: 1, column: 1, severity: 'error', message: error.message }];
  }
}
