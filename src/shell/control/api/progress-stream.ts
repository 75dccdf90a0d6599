import type { ProblemDetails } from './problem.ts';

/** One event of a stream: how far it is, then what came of it or why nothing did. */
export type ProgressEvent<P, R> =
  | ({ readonly type: 'progress' } & P)
  | ({ readonly type: 'report' } & R)
  | ({ readonly type: 'problem' } & StreamedProblem);

/** What of a failure the reader may know. */
export type StreamedProblem = Partial<ProblemDetails> & { readonly detail: string };

/**
 * Long work as server-sent events: any number of `progress`, then `report` or `problem`. The work is called off when the reader goes away.
 * `problemOf` says what of a failure the reader may know; undefined: that it failed, and no more. `onEnd` is called once, whatever happens.
 */
export function progressStream<P extends object, R extends object>({
  run,
  problemOf,
  onEnd = () => undefined,
  signal,
}: {
  readonly run: (onProgress: (progress: P) => void, signal: AbortSignal) => Promise<R>;
  readonly problemOf: (error: unknown) => StreamedProblem | undefined;
  readonly onEnd?: () => void;
  readonly signal: AbortSignal;
}): ReadableStream<Uint8Array> {
  const stop = new AbortController();
  signal.addEventListener('abort', () => stop.abort(), { once: true });
  if (signal.aborted) stop.abort();
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>({
    start(controller) {
      const send = (event: ProgressEvent<P, R>) => {
        if (!stop.signal.aborted)
          controller.enqueue(encoder.encode(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`));
      };
      run((progress) => send({ type: 'progress', ...progress }), stop.signal)
        .then((report) => send({ type: 'report', ...report }))
        .catch((error: unknown) =>
          send({ type: 'problem', ...(problemOf(error) ?? { detail: 'something failed here; try again' }) }),
        )
        .finally(() => {
          onEnd();
          if (!stop.signal.aborted) controller.close();
        });
    },
    cancel: () => stop.abort(),
  });
}
