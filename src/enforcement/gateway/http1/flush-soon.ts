/** Something that holds small pieces back, to send them together. */
export interface Flushable {
  flush(): void;
}

/** More do not wait for each other, so that none waits long. */
const waitingMax = 32;
let waiting: Flushable[] = [];
let isDue = false;

/**
 * Flushes it before the event loop waits again: what a connection was given in pieces goes out as one. And whoever receives what is
 * flushed one after the other is still at work on the first when the next one comes: to wake it for each costs both sides more than
 * the sending.
 */
export function flushSoon(item: Flushable): void {
  if (waiting.push(item) >= waitingMax) flushWaiting();
  else if (!isDue) {
    isDue = true;
    setImmediate(flushAtTurnsEnd);
  }
}

function flushAtTurnsEnd(): void {
  isDue = false;
  flushWaiting();
}

function flushWaiting(): void {
  const due = waiting;
  waiting = [];
  for (const item of due) item.flush();
}
