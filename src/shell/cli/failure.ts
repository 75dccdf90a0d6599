/** Exit codes of the contract. */
export const exitCodes = { done: 0, no: 1, usage: 2, failed: 3 } as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** A command that ends with words for a person. `no`: the answer is no; `usage`: wrong use; `failed`: it could not be done. */
export class CliError extends Error {
  readonly code: 'no' | 'usage' | 'failed';
  /** Machine-readable detail for `--json`, such as a problem document. */
  readonly detail: unknown;

  constructor(code: 'no' | 'usage' | 'failed', message: string, detail?: unknown) {
    super(message);
    this.name = 'CliError';
    this.code = code;
    this.detail = detail;
  }
}
