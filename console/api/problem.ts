/** RFC 9457 problem details, with Nullius' extensions. */
export interface Problem {
  readonly title: string;
  readonly status: number;
  readonly detail?: string;
  readonly code?: string;
  readonly correlationId?: string;
  readonly errors?: readonly { readonly path: string; readonly message: string }[];
  /** Why policy says no, in its author's words. */
  readonly words?: readonly string[];
  readonly remedies?: readonly { readonly kind: string; readonly words: string }[];
}

/** An answer that was not the one hoped for. `status` 0: there was no answer at all. */
export class ProblemError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail ?? problem.title);
    this.name = 'ProblemError';
    this.problem = problem;
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);
const itemsOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

/** Reads a problem document leniently: whatever is missing or odd, there is still a title to show. */
export function readProblem(status: number, body: unknown): Problem {
  const record = isRecord(body) ? body : {};
  const detail = textOf(record['detail']);
  const code = textOf(record['code']);
  const correlationId = textOf(record['correlationId']);
  return {
    title: textOf(record['title']) ?? titleOf(status),
    status,
    ...(detail === undefined ? {} : { detail }),
    ...(code === undefined ? {} : { code }),
    ...(correlationId === undefined ? {} : { correlationId }),
    words: itemsOf(record['words']).filter((word) => typeof word === 'string'),
    errors: itemsOf(record['errors']).flatMap((entry) =>
      isRecord(entry) && typeof entry['message'] === 'string'
        ? [{ path: textOf(entry['path']) ?? '', message: entry['message'] }]
        : [],
    ),
    remedies: itemsOf(record['remedies']).flatMap((entry) =>
      isRecord(entry) && typeof entry['words'] === 'string'
        ? [{ kind: textOf(entry['kind']) ?? '', words: entry['words'] }]
        : [],
    ),
  };
}

function titleOf(status: number): string {
  if (status === 0) return 'The server did not answer';
  if (status === 403) return 'Your policies say no';
  if (status === 404) return 'This does not exist, or no longer';
  if (status === 412) return 'This changed meanwhile';
  if (status === 429) return 'Too many requests: wait a moment';
  if (status >= 500) return 'The server could not do this';
  return 'This was refused';
}

/** The message about one field of a form, if the problem has one. Paths come as `name`, `/name` or `$.name`. */
export function fieldMessage(error: unknown, field: string): string | undefined {
  if (!(error instanceof ProblemError)) return undefined;
  const entry = error.problem.errors?.find(({ path }) => path.replace(/^[$./]+/, '') === field);
  return entry?.message;
}
