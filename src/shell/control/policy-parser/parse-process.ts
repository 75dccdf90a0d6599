// The process that parses policies, started by control. Cedar's parser lives and dies with it: its WebAssembly keeps what it ever took, and
// a trap in it is for good. It ends when control is gone, because nothing but the channel keeps it.
import { readPolicyTests, runPolicyTests, TestFileError } from '#decision/analysis';
import { readParsedForm } from '#decision/engine';
import { checkPolicies, parseInvariants, preparePolicies } from '#decision/parser';
import { droppedChecks } from './dropped-checks.ts';
import type { CheckedPolicies, CompareRequest, ParseAnswer, ParseRequest, TestedPolicies } from './policy-parser.ts';

if (process.send === undefined) throw new Error('this process is started by the control process, not by hand');
// Signals for the whole program are the supervisor's, which ends control, which ends us.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
process.on('message', (request: ParseRequest | CompareRequest) => {
  let answer: ParseAnswer;
  try {
    answer = 'after' in request ? { dropped: droppedChecks(request.before, request.after) } : check(request);
  } catch (error) {
    // A trap: nothing this process says afterwards is worth anything.
    answer = { failure: error instanceof Error ? error.message : String(error) };
  }
  process.send?.(answer);
});

function check({ policies, schema, tests = [], invariants = [], before }: ParseRequest): CheckedPolicies {
  if (schema === null) return { problems: checkPolicies({ policies, schema }), parsedForm: undefined, named: [] };
  const prepared = preparePolicies({ policies, schema });
  const { parsedForm } = prepared;
  if (parsedForm === undefined) return prepared;
  const checked = parseInvariants(invariants, schema);
  const dropped = before === undefined ? [] : droppedChecks(before, { schema, tests, invariants });
  const problems = [...prepared.problems, ...checked.problems];
  const set = { ...prepared, problems, dropped, named: [...prepared.named, ...checked.named] };
  if (tests.length === 0) return set;
  const run = (): TestedPolicies => {
    try {
      return runPolicyTests(readParsedForm(parsedForm, { sources: policies, schema }), readPolicyTests(tests));
    } catch (error) {
      if (error instanceof TestFileError) return { problems: error.problems };
      throw error;
    }
  };
  return { ...set, tested: run() };
}
