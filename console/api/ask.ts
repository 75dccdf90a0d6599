import { ProblemError, readProblem } from './problem.ts';

export interface AskOptions {
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  readonly body?: unknown;
  /** Revision the change was made against; the server answers 412 when it is no longer current. */
  readonly ifMatch?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** How long the answer may take; half a minute unless told. */
  readonly timeoutMs?: number;
}

const answerTimeoutMs = 30_000;
const reloadEveryMsMin = 10_000;

/** Without a session only a navigation leads to sign-in: go there once, and never in a circle. */
export function signInAgain(): void {
  const key = 'nullius-sign-in-at';
  const last = Number(sessionStorage.getItem(key) ?? '0');
  if (Date.now() - last < reloadEveryMsMin) return;
  sessionStorage.setItem(key, String(Date.now()));
  location.reload();
}

/** Calls the API under `/api/v1`. Throws ProblemError for every answer that is not 2xx, and when there is none. */
export async function ask<T>(path: string, options: AskOptions = {}): Promise<T> {
  const headers: Record<string, string> = { accept: 'application/json' };
  // Bodyless mutations too: a type that no form can send keeps cross-site posts out.
  if (options.method !== undefined && options.method !== 'GET') headers['content-type'] = 'application/json';
  if (options.ifMatch !== undefined) headers['if-match'] = `"${options.ifMatch}"`;
  const timeout = AbortSignal.timeout(options.timeoutMs ?? answerTimeoutMs);
  let response: Response;
  let text: string;
  try {
    response = await fetch(`/api/v1${path}`, {
      method: options.method ?? 'GET',
      headers,
      body: options.body === undefined ? null : JSON.stringify(options.body),
      signal: options.signal === undefined ? timeout : AbortSignal.any([options.signal, timeout]),
      redirect: 'error',
    });
    text = await response.text();
  } catch (error) {
    if (options.signal?.aborted === true) throw error;
    throw new ProblemError(
      readProblem(0, { detail: 'Check that Nullius is running and that you can reach it, then try again.' }),
    );
  }
  if (response.status === 401) signInAgain();
  if (!response.ok) throw new ProblemError(readProblem(response.status, parseJson(text)));
  return (text === '' ? undefined : parseJson(text)) as T;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `?a=1&b=2`, leaving out what is undefined or empty. */
export function queryText(parameters: Record<string, string | number | undefined>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== '') query.set(name, String(value));
  }
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}
