/** What can be wrong with policies, a schema, entities or a request. */
export type EngineErrorCode =
  | 'schema-syntax'
  | 'policy-syntax'
  | 'policy-type'
  | 'policy-too-large'
  | 'too-many-policies'
  | 'missing-id'
  | 'duplicate-id'
  | 'unknown-annotation'
  | 'missing-entity'
  | 'unlinked-template'
  | 'invalid-link'
  | 'invalid-entities'
  | 'invalid-request'
  | 'invalid-json'
  | 'invalid-parsed-form';

/** One thing found wrong (or doubtful) in policy files, for people and for editors. Lines and columns count from 1. */
export interface Problem {
  readonly level: 'error' | 'warning';
  readonly code: EngineErrorCode;
  readonly message: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  readonly hint?: string;
}

/** What is wrong, with what may help: the words of a problem wherever people read it. */
export function problemWords({ message, hint }: { message: string; hint?: string | undefined }): string {
  return hint === undefined ? message : `${message}; ${hint}`;
}

/** Thrown when policies cannot be compiled, or a question cannot be judged. */
export class EngineError extends Error {
  readonly code: EngineErrorCode;
  readonly file: string | undefined;
  readonly line: number | undefined;
  readonly column: number | undefined;
  readonly hint: string | undefined;

  constructor(problem: Omit<Problem, 'level'>) {
    super(problem.message);
    this.name = 'EngineError';
    this.code = problem.code;
    this.file = problem.file;
    this.line = problem.line;
    this.column = problem.column;
    this.hint = problem.hint;
  }
}
