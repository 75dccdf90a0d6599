import type { Coverage, TestReport } from '#decision/analysis';
import type { Command } from '../command.ts';
import { CliError, exitCodes } from '../failure.ts';
import { table } from '../output.ts';
import { problemLine } from '../problem-line.ts';
import { readFolder } from '../read-folder.ts';

function percentOf(text: string | undefined): number {
  if (text === undefined) return 0;
  if (!/^(?:100|[0-9]{1,2})$/.test(text))
    throw new CliError('usage', `\`${text}\` is no percentage; write a whole number from 0 to 100`);
  return Number(text);
}

/** Which policies and conditions no test shows, one line each. */
function gapLines({ policies }: Coverage): string[] {
  return policies.flatMap(({ id, file, line, gaps }) =>
    gaps.map(({ kind, clause, text, never }) => {
      const where = `${file}:${line}: \`${id}\``;
      if (kind === 'policy') return `${where} is satisfied by no test`;
      const what = kind === 'clause' ? `its \`${clause}\`` : `in its \`${clause}\``;
      return `${where}: ${what} \`${text}\` was never ${never.join(' nor ')}`;
    }),
  );
}

function coverageTable({ policies }: Coverage): string {
  const rows = policies.map(({ id, file, line, outcomes, shown }) => [
    id,
    `${file}:${line}`,
    `${shown} of ${outcomes}`,
    `${Math.floor((shown * 100) / outcomes)}%`,
  ]);
  return table(['POLICY', 'PLACE', 'OUTCOMES SHOWN', 'COVERAGE'], rows);
}

/** A report for people: what failed, the table, what is missing. */
export function reportWords(report: TestReport): string {
  const { passed, failed, results, coverage } = report;
  const failures = results
    .filter((each) => !each.passed)
    .map(
      ({ file, line, name, words }) =>
        `FAILED ${file}:${line}: ${name}\n${words.map((each) => `  ${each}`).join('\n')}`,
    );
  const gaps = gapLines(coverage);
  return [
    ...failures,
    `${passed} passed, ${failed} failed`,
    '',
    coverageTable(coverage),
    '',
    `coverage ${coverage.percent}% (${coverage.shown} of ${coverage.outcomes} outcomes)`,
    ...(gaps.length === 0 ? [] : ['', 'No test shows:', ...gaps.map((gap) => `  ${gap}`)]),
  ].join('\n');
}

export const testCommand: Command = {
  noun: 'policy',
  verb: 'test',
  summary: 'Runs the tests of a folder of policies (`*.test.yaml`) and says what they do not cover; needs no server',
  details: `Exit 1 when something is wrong with the files, a test fails or coverage is below --min-coverage. A test names principal, action, resource, context and entities, and the
decision a door shall give: allow, deny, or indeterminate (allowed while a forbid errored, which is a denial).`,
  positionals: [{ name: 'folder', optional: true }],
  options: {
    'min-coverage': { type: 'string', value: 'percent', summary: 'least part of outcomes that tests must show' },
  },
  run: async ({ out, positionals, text }) => {
    const least = percentOf(text('min-coverage'));
    const name = positionals[0] ?? 'policies';
    const { schema, policies, tests } = readFolder(name);
    if (schema === undefined) throw new CliError('usage', `no \`*.cedarschema\` file lies in \`${name}\``);
    if (tests.length === 0) throw new CliError('usage', `no \`*.test.yaml\` file lies in \`${name}\``);
    // WebAssembly, and YAML, that few commands need.
    const { readPolicyTests, runPolicyTests, TestFileError } = await import('#decision/analysis');
    const { preparePolicies } = await import('#decision/parser');
    const { readParsedForm } = await import('#decision/engine');
    const { problems, parsedForm } = preparePolicies({ policies, schema });
    for (const problem of problems) out.note(problemLine(problem, name));
    if (parsedForm === undefined)
      throw new CliError('no', `the policies in \`${name}\` are not valid, so no test was run`, { problems });
    try {
      const report = runPolicyTests(readParsedForm(parsedForm, { sources: policies, schema }), readPolicyTests(tests));
      const isCovered = report.coverage.percent >= least;
      out.answer({ ok: report.failed === 0 && isCovered, ...report }, reportWords(report));
      if (!isCovered) out.note(`coverage is ${report.coverage.percent}%, less than the ${least}% asked for`);
      return report.failed === 0 && isCovered ? exitCodes.done : exitCodes.no;
    } catch (error) {
      if (!(error instanceof TestFileError)) throw error;
      for (const problem of error.problems) out.note(problemLine(problem, name));
      throw new CliError('no', 'the tests cannot be read, so none was run', { problems: error.problems });
    }
  },
};
