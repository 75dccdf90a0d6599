import { signInAgain } from './ask.ts';
import { ProblemError, readProblem } from './problem.ts';

/** One event of a stream: how far it is, then what came of it or why nothing did. */
export type ProgressEvent<P, R> =
  | ({ readonly type: 'progress' } & P)
  | ({ readonly type: 'report' } & R)
  | { readonly type: 'problem'; readonly status?: number; readonly detail: string };

/** The events in what has come so far, and what is left of it. */
export function eventsIn<P, R>(
  text: string,
): { readonly events: readonly ProgressEvent<P, R>[]; readonly rest: string } {
  const parts = text.split('\n\n');
  const rest = parts.pop() ?? '';
  const events = parts.flatMap((part) => {
    const data = part.split('\n').flatMap((line) => (line.startsWith('data: ') ? [line.slice(6)] : []));
    return data.length === 0 ? [] : [JSON.parse(data.join('\n')) as ProgressEvent<P, R>];
  });
  return { events, rest };
}

const isCalledOff = (error: unknown) => error instanceof Error && error.name === 'AbortError';
const nobody = 'Check that Nullius is running and that you can reach it, then try again.';

interface AskWithProgressOptions<P> {
  readonly body: unknown;
  readonly ifMatch?: number;
  readonly onProgress: (progress: P) => void;
  readonly signal: AbortSignal;
}

/** Asks for long work and hears how far it is. `signal` ends the waiting. Throws ProblemError. */
export async function askWithProgress<P, R>(
  path: string,
  { body, ifMatch, onProgress, signal }: AskWithProgressOptions<P>,
): Promise<R> {
  const headers = {
    accept: 'text/event-stream, application/problem+json',
    'content-type': 'application/json',
    ...(ifMatch === undefined ? {} : { 'if-match': `"${ifMatch}"` }),
  };
  const init = { method: 'POST', headers, body: JSON.stringify(body), signal, redirect: 'error' } as const;
  const response = await fetch(`/api/v1${path}`, init).catch(() => undefined);
  if (response === undefined) throw new ProblemError(readProblem(0, { detail: nobody }));
  if (response.status === 401) signInAgain();
  if (!response.ok || response.body === null) {
    throw new ProblemError(readProblem(response.status, await response.json().catch(() => undefined)));
  }
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  const read = () =>
    reader.read().catch((error: unknown) => {
      // Whoever calls it off wants no words; a connection that breaks, or time that is up, needs them.
      throw isCalledOff(error) ? error : new ProblemError(readProblem(0, { detail: nobody }));
    });
  for (let { value, done } = await read(); !done; { value, done } = await read()) {
    const { events, rest } = eventsIn<P, R>(text + (value ?? ''));
    text = rest;
    for (const event of events) {
      if (event.type === 'report') return event;
      if (event.type === 'problem') throw new ProblemError(readProblem(event.status ?? 500, event));
      onProgress(event);
    }
  }
  throw new ProblemError(readProblem(0, { detail: nobody }));
}
