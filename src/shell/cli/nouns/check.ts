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
      const { formatProblem, loadConfig } = await import('../../config/index.ts');
      const file = globals.config ?? 'nullius.yaml';
      const loaded = loadConfig({ file, optional: globals.config === undefined, overrides: texts('set') });
      const problems = loaded.ok ? loaded.warnings : loaded.problems;
      for (const problem of problems) out.note(formatProblem(problem));
      out.answer({ ok: loaded.ok, file: loaded.ok ? loaded.file : file, problems }, '');
      if (loaded.ok)
        out.note(loaded.file === null ? 'no configuration file: defaults are used' : `\`${file}\` is good`);
      return loaded.ok ? exitCodes.done : exitCodes.no;
    },
  },
];
