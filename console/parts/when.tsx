import { useSyncExternalStore } from 'react';
import { exactTime, relativeTime } from '../time/relative.ts';

const tickMs = 10_000;
let now = Date.now();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(listener: () => void): () => void {
  now = Date.now();
  listeners.add(listener);
  timer ??= setInterval(() => {
    now = Date.now();
    for (const each of listeners) each();
  }, tickMs);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

/** The time now, renewed every ten seconds by one shared timer. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => now);
}

/** A time as people say it; the exact one, in the reader's zone, as its title. */
export function When({ at }: { at: number }) {
  const current = useNow();
  return (
    <time dateTime={new Date(at).toISOString()} title={exactTime(at)}>
      {relativeTime(at, current)}
    </time>
  );
}
