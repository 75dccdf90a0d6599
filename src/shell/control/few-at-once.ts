import { problem } from './api/problem.ts';

/**
 * Lets so much of a kind of work run at once, and so much more wait for its turn; what comes beyond is refused (ApiProblem 503). Work that
 * pauses for others takes a little of each turn of the event loop: hundreds of them together would take it all.
 */
export function fewAtOnce({ runningMax, waitingMax }: { runningMax: number; waitingMax: number }) {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (running >= runningMax) {
      if (waiting.length >= waitingMax) {
        throw problem(503, 'too-many', 'too many such questions are waiting already; try again shortly');
      }
      // Whoever ends gives its place on.
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else running += 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
