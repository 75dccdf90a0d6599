import { ProblemError, readProblem } from './problem.ts';

/** One event of a stream: how far it is, then what came of it or why nothing did. */
export type ProgressEvent<P, R> =
  | ({ readonly type: 'progress' } & P)
  | ({ readonly type: 'report' } & R)
  | { readonly type: 'problem'; readonly detail: string };

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

const nobody = 'Check that Nullius is running and that you can reach it, then try again.';

/** Asks for long work and hears how far it is. `signal` calls it off. Throws ProblemError. */
export async function askWithProgress<P, R>(
  path: string,
  { body, onProgress, signal }: { body: unknown; onProgress: (progress: P) => void; signal: AbortSignal },
): Promise<R> {
  const headers = { accept: 'text/event-stream, application/problem+json', 'content-type': 'application/json' };
  const init = { method: 'POST', headers, body: JSON.stringify(body), signal, redirect: 'error' } as const;
  const response = await fetch(`/api/v1${path}`, init).catch(() => undefined);
  if (response === undefined) throw new ProblemError(readProblem(0, { detail: nobody }));
  if (!response.ok || response.body === null) {
    throw new ProblemError(readProblem(response.status, await response.json().catch(() => undefined)));
  }
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (let { value, done } = await reader.read(); !done; { value, done } = await reader.read()) {
    const { events, rest } = eventsIn<P, R>(text + (value ?? ''));
    text = rest;
    for (const event of events) {
      if (event.type === 'report') return event;
      if (event.type === 'problem') throw new ProblemError(readProblem(500, { detail: event.detail }));
      onProgress(event);
    }
  }
  throw new ProblemError(readProblem(0, { detail: nobody }));
}
