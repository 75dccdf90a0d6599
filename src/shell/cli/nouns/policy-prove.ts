import type { Problem } from '#decision/engine';
import type { ProofResult } from '#decision/proof';
import type { Command } from '../command.ts';
import { CliError, type ExitCode, exitCodes } from '../failure.ts';
import { readFolder } from '../read-folder.ts';
import { readInvariants } from '../read-invariants.ts';
import { describeResult } from '../write-proof.ts';

const timeoutOption = {
  type: 'string',
  value: 'seconds',
  summary: 'for one question to the solver (default 10)',
} as const;

/** Reads `--timeout`. Throws CliError. */
export function timeoutMs(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const seconds = /^[1-9][0-9]{0,3}$/.test(text) ? Number(text) : 0;
  if (seconds === 0) throw new CliError('usage', `\`${text}\` is no number of seconds from 1 to 9999`);
  return seconds * 1000;
}

/** A folder that has its own schema: without one nothing can be said about all requests. */
export function readWithSchema(folder: string) {
  const { schema, policies } = readFolder(folder);
  if (schema === undefined)
    throw new CliError('usage', `\`${folder}\` holds no \`*.cedarschema\`; put the one in force beside its policies`);
  return { schema, policies };
}

export function problemWords({ level, file, line, column, message, hint }: Problem): string {
  const place = [file, line, column].filter((part) => part !== undefined).join(':');
  return `${place === '' ? '' : `${place}: `}${level}: ${message}${hint === undefined ? '' : ` (${hint})`}`;
}

function exitOf(results: readonly ProofResult[]): ExitCode {
  if (results.some(({ outcome }) => outcome === 'counterexample')) return exitCodes.no;
  return results.some(({ outcome }) => outcome === 'undecided') ? exitCodes.failed : exitCodes.done;
}

const proveCommand: Command = {
  noun: 'policy',
  verb: 'prove',
  summary: 'Shows that invariants hold for all requests and facts, or gives a request that breaks one',
  details: `Reads the invariants (\`*.invariants\`, docs/formats/invariants.md) beside the policies. A counterexample has been put to the engine and is
really answered so. Exit 0 all hold, 1 a counterexample, 3 some could not be decided.`,
  positionals: [{ name: 'folder', optional: true }],
  options: {
    invariants: {
      type: 'string',
      value: 'folder',
      summary: 'folder with `*.invariants` (default: that of the policies)',
    },
    timeout: timeoutOption,
  },
  run: async ({ out, positionals, text }) => {
    const folder = positionals[0] ?? 'policies';
    const texts = readWithSchema(folder);
    const invariants = readInvariants(text('invariants') ?? folder);
    const checkMsMax = timeoutMs(text('timeout'));
    const { prove, ProverError } = await import('../../prover/index.ts');
    try {
      const { problems, results } = await prove(
        { ...texts, invariants },
        {
          ...(checkMsMax === undefined ? {} : { checkMsMax }),
          onProgress: ({ done, total, what }) => out.note(`${done}/${total} ${what}`),
        },
      );
      for (const problem of problems) out.note(problemWords(problem));
      if (problems.some(({ level }) => level === 'error'))
        throw new CliError('failed', 'nothing was proved: mend policies and invariants first', problems);
      out.answer({ results }, results.map(describeResult).join('\n'));
      return exitOf(results);
    } catch (error) {
      throw error instanceof ProverError ? new CliError('failed', error.message) : error;
    }
  },
};

export const policyProveCommands: readonly Command[] = [proveCommand];
