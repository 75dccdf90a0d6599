import type { DecisionRequest } from '#decision/engine';

/** What a door answers: `indeterminate` is a denial too, of a request that was allowed while a `forbid` errored. */
export type ExpectedDecision = 'allow' | 'deny' | 'indeterminate';

/** One request, and what shall be answered. */
export interface PolicyTest {
  readonly name: string;
  readonly file: string;
  readonly line: number;
  readonly request: DecisionRequest;
  readonly decision: ExpectedDecision;
  /** Ids of exactly those policies that decide; undefined: whichever. */
  readonly policies: readonly string[] | undefined;
  /** Ids of exactly those policies that error. */
  readonly errors: readonly string[] | undefined;
}

/** Something wrong in a test file. Lines and columns count from 1. */
export interface TestFileProblem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** Test files that say something that is no test; `problems` has each with its place. */
export class TestFileError extends Error {
  override readonly name = 'TestFileError';
  readonly problems: readonly TestFileProblem[];

  constructor(problems: readonly TestFileProblem[]) {
    const [first] = problems;
    super(first === undefined ? 'a test file is wrong' : formatTestFileProblem(first));
    this.problems = problems;
  }
}

/** `apps.test.yaml:3:5: …` */
export function formatTestFileProblem({ file, line, column, message }: TestFileProblem): string {
  return `${file}:${line}:${column}: ${message}`;
}

/** Tests in one file, and entities that one test or file may bring. */
export const testsPerFileMax = 2_000;
export const testEntitiesMax = 10_000;
/** Tests in all files together. */
export const testsMax = 20_000;
/** Characters of one file. */
export const testFileLengthMax = 1_000_000;
