/** Something that holds small pieces back, to send them together. */
export interface Flushable {
  flush(): void;
}

let waiting: Flushable[] = [];

/**
 * Flushes it before the event loop waits again. What ends in the same turn, as most answers do, has by then gone out on its own;
 * one wake-up serves all that wait.
 */
export function flushSoon(item: Flushable): void {
  if (waiting.push(item) === 1) setImmediate(flushAll);
}

function flushAll(): void {
  const due = waiting;
  waiting = [];
  for (const item of due) item.flush();
}
