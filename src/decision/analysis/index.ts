// Policy tests and coverage.

// Why, and what would turn it.
export * from './explanation/index.ts';
export type { Coverage, Gap, PolicyCoverage } from './policy-tests/coverage.ts';
export {
  formatTestFileProblem,
  type PolicyTest,
  TestFileError,
  type TestFileProblem,
} from './policy-tests/policy-test.ts';
export { readPolicyTests } from './policy-tests/read-test-file.ts';
export { failedTestProblem, runPolicyTests, type TestReport, type TestResult } from './policy-tests/run-tests.ts';
// Questions asked backwards.
export * from './reverse/index.ts';
// What recorded decisions would be under other policies.
export * from './simulation/index.ts';
export { writeExpression } from './write-expression.ts';
