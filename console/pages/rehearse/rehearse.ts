import type { RehearsalEvent, RehearsalProgress, RehearsalReport } from '#foundation/model';
import { ProblemError, readProblem } from '../../api/problem.ts';

/** The events in what has come so far, and what is left of it. */
export function eventsIn(text: string): { readonly events: readonly RehearsalEvent[]; readonly rest: string } {
  const parts = text.split('\n\n');
  const rest = parts.pop() ?? '';
  const events = parts.flatMap((part) => {
    const data = part.split('\n').flatMap((line) => (line.startsWith('data: ') ? [line.slice(6)] : []));
    return data.length === 0 ? [] : [JSON.parse(data.join('\n')) as RehearsalEvent];
  });
  return { events, rest };
}

const nobody = 'Check that Nullius is running and that you can reach it, then try again.';

/** Replays the last days under other policies. Throws ProblemError. */
export async function rehearse(
  body: unknown,
  { onProgress, signal }: { onProgress: (progress: RehearsalProgress) => void; signal: AbortSignal },
): Promise<RehearsalReport> {
  const headers = { accept: 'text/event-stream, application/problem+json', 'content-type': 'application/json' };
  const init = { method: 'POST', headers, body: JSON.stringify(body), signal, redirect: 'error' } as const;
  const response = await fetch('/api/v1/policies/simulate', init).catch(() => undefined);
  if (response === undefined) throw new ProblemError(readProblem(0, { detail: nobody }));
  if (!response.ok || response.body === null) {
    throw new ProblemError(readProblem(response.status, await response.json().catch(() => undefined)));
  }
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (let { value, done } = await reader.read(); !done; { value, done } = await reader.read()) {
    const { events, rest } = eventsIn(text + (value ?? ''));
    text = rest;
    for (const event of events) {
      if (event.type === 'report') return event;
      if (event.type === 'problem') throw new ProblemError(readProblem(500, { detail: event.detail }));
      onProgress(event);
    }
  }
  throw new ProblemError(readProblem(0, { detail: nobody }));
}
