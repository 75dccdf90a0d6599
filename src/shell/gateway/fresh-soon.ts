import type { Replica } from '#shell/replica';

/** A control process that starts again is back in about this time; who needs it waits so long and no longer. */
const waitMsMax = 2_000;
/** Unheard for so long, control is not just starting again. */
const awayMsMax = 5_000;

/**
 * Makes a function that says whether control can be asked: at once when the facts are fresh or control is long gone, and
 * otherwise after waiting for it a little, all askers together.
 */
export function createFreshSoon(replica: Pick<Replica, 'state' | 'onState'>): () => Promise<boolean> {
  let waiting: Promise<boolean> | undefined;
  return () => {
    const now = replica.state();
    if (now.state === 'fresh') return Promise.resolve(true);
    if (now.state !== 'cut-off' || now.sinceMs > awayMsMax) return Promise.resolve(false);
    waiting ??= nextState(replica).finally(() => {
      waiting = undefined;
    });
    return waiting;
  };
}

function nextState(replica: Pick<Replica, 'onState'>): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (isFresh: boolean) => {
      clearTimeout(timer);
      off();
      resolve(isFresh);
    };
    const timer = setTimeout(() => end(false), waitMsMax);
    const off = replica.onState(({ state }) => {
      if (state !== 'cut-off') end(state === 'fresh');
    });
  });
}
