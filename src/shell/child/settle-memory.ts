import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** How long after its start a process is looked at, and how often again while it is busy. */
const lookMs = 2_000;
const looksMax = 30;
/** Above this part of the time the event loop is busy, and a pause would be felt. */
const busyPartMax = 0.1;

// What the flag `--expose-gc` adds; the types know its older form only.
type Collect = (options: { type: 'major'; execution: 'sync'; flavor: 'last-resort' }) => void;

/**
 * V8's collector, by a context that is made while the flag is set. The flag is not on the command line, because with it V8 takes none of
 * the code that Node has compiled of its own modules: 30 to 100 ms of each start. Undefined when another thread took the flag back meanwhile.
 */
export function findCollect(): Collect | undefined {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('globalThis.gc');
  setFlagsFromString('--no-expose-gc');
  return typeof collect === 'function' ? (collect as Collect) : undefined;
}

/**
 * Gives back, once, what only the start needed: code that ran once, caches and half-empty pages. V8 would keep them until memory is
 * short. Waits for a quiet moment, because everything stands still for 50 to 100 ms, and lets it be in a process that has none.
 */
export function settleMemory(): void {
  let looks = 0;
  let before = performance.eventLoopUtilization();
  const timer = setInterval(() => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    looks += 1;
    const collect = utilization <= busyPartMax ? findCollect() : undefined;
    if (collect !== undefined || looks >= looksMax) clearInterval(timer);
    collect?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  }, lookMs);
  timer.unref();
}
