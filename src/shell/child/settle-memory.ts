import { performance } from 'node:perf_hooks';

/** How long after its start a process is looked at, and how often again while it is busy. */
const lookMs = 2_000;
const looksMax = 30;
/** Above this part of the time the event loop is busy, and a pause would be felt. */
const busyPartMax = 0.1;

// What the flag `--expose-gc` adds; the types know its older form only.
type Collect = (options: { type: 'major'; execution: 'sync'; flavor: 'last-resort' }) => void;

/**
 * Gives back, once, what only the start needed: code that ran once, caches and half-empty pages. V8 would keep them until memory is
 * short. Waits for a quiet moment, because everything stands still for 50 to 100 ms, and lets it be in a process that has none.
 * Nothing happens without the flag `--expose-gc`.
 */
export function settleMemory(): void {
  const collect = (globalThis as { gc?: Collect }).gc;
  if (collect === undefined) return;
  let looks = 0;
  let before = performance.eventLoopUtilization();
  const timer = setInterval(() => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    looks += 1;
    const isQuiet = utilization <= busyPartMax;
    if (isQuiet || looks >= looksMax) clearInterval(timer);
    if (isQuiet) collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  }, lookMs);
  timer.unref();
}
