import type { Problem } from '#decision/engine';
import type { ProofResult } from '#decision/proof';
// Types alone: the prover's client is loaded where something is to be proved.
import type { Checked, PolicyTexts, ProveLimits } from '../../prover/index.ts';
import type { Command, Invocation } from '../command.ts';
import { CliError, type ExitCode, exitCodes } from '../failure.ts';
import { problemLine } from '../problem-line.ts';
import { readFolder } from '../read-folder.ts';
import { readInvariants } from '../read-invariants.ts';
import { describeComparison, describeResult } from '../write-proof.ts';

export const timeoutOption = {
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

function exitOf(results: readonly ProofResult[]): ExitCode {
  if (results.some(({ outcome }) => outcome === 'counterexample')) return exitCodes.no;
  return results.some(({ outcome }) => outcome === 'undecided') ? exitCodes.failed : exitCodes.done;
}

const linesIn = (folder: string | undefined) => (problems: readonly Problem[]) =>
  problems.map((problem) => problemLine(problem, folder));

/** Runs a task of the prover; what is wrong with the texts, or with the prover, ends the command. */
async function found<T>(
  out: Invocation['out'],
  run: (limits: ProveLimits) => Promise<Checked<T>>,
  {
    timeout,
    linesOf,
    done,
  }: { timeout: string | undefined; linesOf: (problems: readonly Problem[]) => string[]; done: 'proved' | 'compared' },
): Promise<T> {
  const { ProverError } = await import('../../prover/index.ts');
  const checkMsMax = timeoutMs(timeout);
  try {
    const { problems, found: findings } = await run({
      ...(checkMsMax === undefined ? {} : { checkMsMax }),
      onProgress: ({ done, total, what }) =>
        out.note(`looked at ${done} of ${total}${what === '' ? ' ways that requests can be' : `: ${what}`}`),
    });
    for (const line of linesOf(problems)) out.note(line);
    if (findings === undefined) throw new CliError('no', `nothing was ${done}: mend what is wrong first`, problems);
    return findings;
  } catch (error) {
    throw error instanceof ProverError ? new CliError('failed', error.message) : error;
  }
}

const proveCommand: Command = {
  noun: 'policy',
  verb: 'prove',
  summary: 'Shows that invariants hold for all requests and facts, or gives a request that breaks one',
  details: `Reads the invariants (\`*.invariants\`, docs/formats/invariants.md) beside the policies. A counterexample has been put to the engine and is
really answered so. Exit 0 all hold, 1 a counterexample or something wrong with the files, 3 some could not be decided.`,
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
    const texts = { ...readWithSchema(folder), invariants: readInvariants(text('invariants') ?? folder) };
    const { prove } = await import('../../prover/index.ts');
    const told = { timeout: text('timeout'), linesOf: linesIn(folder), done: 'proved' } as const;
    const results = await found(out, (limits) => prove(texts, limits), told);
    out.answer({ results }, results.map(describeResult).join('\n'));
    return exitOf(results);
  },
};

const analyseCommand: Command = {
  noun: 'policy',
  verb: 'analyse',
  summary: 'Finds policies that do nothing: dead, shadowed by a forbid, or redundant',
  details: `dead: no request and no facts make it apply. shadowed: whenever this permit applies, a forbid denies all the same. redundant: without it
every answer is the same (of two that say the same, each is). Exit 0 none, 1 some, 3 only undecided ones.`,
  positionals: [{ name: 'folder', optional: true }],
  options: { timeout: timeoutOption },
  run: async ({ out, positionals, text }) => {
    const folder = positionals[0] ?? 'policies';
    const texts = readWithSchema(folder);
    const { analyse } = await import('../../prover/index.ts');
    const told = { timeout: text('timeout'), linesOf: linesIn(folder), done: 'proved' } as const;
    const findings = await found(out, (limits) => analyse(texts, limits), told);
    const words = findings.map(
      ({ kind, id, effect, file, line }) => `${kind.padEnd(10)} ${effect} \`${id}\` (${file}:${line})`,
    );
    out.answer({ findings }, words.join('\n'));
    if (findings.length === 0) out.note('every policy decides something');
    if (findings.some(({ kind }) => kind !== 'undecided')) return exitCodes.no;
    return findings.length === 0 ? exitCodes.done : exitCodes.failed;
  },
};

/** Of the set that stood before; the prover marks its files so. */
const oldMark = '(old) ';

/** What is wrong with two sets that are compared, told of each by its folder; `before` undefined: the policies in force. */
function linesOfBoth(
  problems: readonly Problem[],
  { before, after }: { before: string | undefined; after: string },
): string[] {
  const isOld = ({ file }: Problem) => file?.startsWith(oldMark) === true;
  const next = problems.filter((each) => !isOld(each));
  const isAnyWrong = (some: readonly Problem[]) => some.some(({ level }) => level === 'error');
  // Both are read by one schema: what is wrong with it is told once.
  const old = problems
    .filter((each) => isOld(each) && each.file !== oldMark)
    .map((each) => ({ ...each, file: each.file?.slice(oldMark.length) ?? '' }));
  const under = `not valid under the schema of \`${after}\`, by which both are compared:`;
  return [
    ...(isAnyWrong(next) ? [`\`${after}\` is not valid:`] : []),
    ...linesIn(after)(next),
    ...(isAnyWrong(old) ? [before === undefined ? `what is in force is ${under}` : `\`${before}\` is ${under}`] : []),
    ...linesIn(before)(old),
  ];
}

/** What two sets let in, compared for all requests and facts: `policy diff` with two folders, or with `--meaning`. */
export async function compareMeanings(
  { out, text }: Pick<Invocation, 'out' | 'text'>,
  {
    folders,
    ...sets
  }: {
    before: Omit<PolicyTexts, 'schema'>;
    after: PolicyTexts;
    folders: { before: string | undefined; after: string };
  },
): Promise<ExitCode> {
  const { compare } = await import('../../prover/index.ts');
  const linesOf = (problems: readonly Problem[]) => linesOfBoth(problems, folders);
  const told = { timeout: text('timeout'), linesOf, done: 'compared' } as const;
  const comparison = await found(out, (limits) => compare(sets, limits), told);
  out.answer(comparison, describeComparison(comparison));
  if (comparison.verdict === 'equivalent') return exitCodes.done;
  return comparison.verdict === 'undecided' ? exitCodes.failed : exitCodes.no;
}

export const policyProveCommands: readonly Command[] = [proveCommand, analyseCommand];
