import { compilePolicySet, EngineError, type PolicySet } from '#decision/engine';
import { traceDecision } from '#decision/engine/reference';
import { type Coverage, CoverageTally } from './coverage.ts';
import type { ExpectedDecision, PolicyTest } from './policy-test.ts';

/** What a door answered, by which policies. Ids sorted. */
export interface Answer {
  readonly decision: ExpectedDecision;
  readonly policies: readonly string[];
  readonly errors: readonly { readonly id: string; readonly message: string }[];
}

export interface TestResult {
  readonly name: string;
  readonly file: string;
  readonly line: number;
  readonly passed: boolean;
  /** null when the request could not be judged. */
  readonly answer: Answer | null;
  /** Why it failed, one sentence each. */
  readonly words: readonly string[];
}

/** A test that failed, as a problem in its file. */
export function failedTestProblem({ name, file, line, words }: TestResult) {
  return { file, line, column: 1, message: `the test \`${name}\` fails: ${words.join('; ')}` };
}

export interface TestReport {
  readonly passed: number;
  readonly failed: number;
  readonly results: readonly TestResult[];
  readonly coverage: Coverage;
}

/**
 * Runs tests as a door would judge: an allow during which a `forbid` errored is `indeterminate`. Every policy is taken as enforced,
 * whatever its state. Throws EngineError when the set does not compile.
 */
export function runPolicyTests(set: PolicySet, tests: readonly PolicyTest[]): TestReport {
  const compiled = compilePolicySet(set);
  const tally = new CoverageTally(set);

  const answer = ({ request }: PolicyTest): Answer => {
    const { decision, reasons, errors } = compiled.decide(request);
    tally.add(traceDecision(set, request));
    const forbidErrored = errors.some(({ id }) => set.policies.get(id)?.json.effect === 'forbid');
    const isIndeterminate = decision === 'allow' && forbidErrored;
    return { decision: isIndeterminate ? 'indeterminate' : decision, policies: reasons, errors };
  };
  const run = (test: PolicyTest): TestResult => {
    const { name, file, line } = test;
    try {
      const answered = answer(test);
      const words = wordsOf(test, { answered, set });
      return { name, file, line, passed: words.length === 0, answer: answered, words };
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      const words = [`the request does not fit the schema: ${error.message}`];
      return { name, file, line, passed: false, answer: null, words };
    }
  };
  const results = tests.map(run);
  const passed = results.filter((each) => each.passed).length;
  return { passed, failed: results.length - passed, results, coverage: tally.report() };
}

const list = (ids: readonly string[]) => (ids.length === 0 ? 'none' : ids.map((id) => `\`${id}\``).join(', '));

/** What differs from what was expected. */
function wordsOf(test: PolicyTest, { answered, set }: { answered: Answer; set: PolicySet }): string[] {
  const words: string[] = [];
  const { decision, policies, errors } = answered;
  if (decision !== test.decision) {
    const by = policies.length === 0 ? 'no policy permits it' : `by ${list(policies)}`;
    words.push(`expected ${test.decision}, the answer is ${decision} (${by})`);
  }
  const unknown = [...(test.policies ?? []), ...(test.errors ?? [])].filter((id) => !set.policies.has(id));
  if (unknown.length > 0) words.push(`no policy has the id ${list(unknown)}`);
  else {
    const compare = (
      expected: readonly string[] | undefined,
      { found, what }: { found: readonly string[]; what: string },
    ) => {
      if (expected === undefined) return;
      const wanted = [...new Set(expected)].sort();
      if (JSON.stringify(wanted) !== JSON.stringify([...found].sort()))
        words.push(`expected ${what} ${list(wanted)}, found ${list(found)}`);
    };
    compare(test.policies, { found: policies, what: 'deciding policies' });
    compare(test.errors, { found: errors.map(({ id }) => id), what: 'erroring policies' });
  }
  if (words.length > 0) for (const { id, message } of errors) words.push(`\`${id}\` errored: ${message}`);
  return words;
}
