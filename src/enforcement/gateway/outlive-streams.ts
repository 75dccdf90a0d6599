import type { Http2Session } from 'node:http2';
import { constants, PerformanceObserver } from 'node:perf_hooks';

/** Whole collections that what is native of a session outlives it by: one may have begun before its last stream was let go. */
const collectionsMin = 2;

/** What is native of sessions that are over, and how many whole collections it has still to see. */
const ended = new Map<object, number>();
let isWatching = false;

/**
 * Node ends the whole process with an assertion when a session of HTTP/2 is collected together with a stream of it whose header
 * block was refused: that stream still holds memory which the session counts (`current_nghttp2_memory_`). The other side decides what it
 * sends, so it could end us at will. Call it for every session when it begins: what is native of it is collected later than its
 * streams, never with them.
 */
export function outliveStreams(session: Http2Session): void {
  let native = nativeOf(session);
  session.once('connect', () => {
    native ??= nativeOf(session);
  });
  session.once('close', () => {
    if (native === undefined) return;
    ended.set(native, collectionsMin);
    watchCollections();
  });
}

/** Node offers no way to it but this symbol; a test notices when it is called otherwise. */
function nativeOf(session: Http2Session): object | undefined {
  for (const symbol of Object.getOwnPropertySymbols(session)) {
    if (symbol.description === 'kHandle') return (session as unknown as Record<symbol, object | undefined>)[symbol];
  }
  return undefined;
}

function watchCollections(): void {
  if (isWatching) return;
  isWatching = true;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { detail } = entry as { readonly detail?: { readonly kind?: number } };
      if (detail?.kind === constants.NODE_PERFORMANCE_GC_MAJOR) release();
    }
  }).observe({ entryTypes: ['gc'] });
}

function release(): void {
  for (const [native, left] of ended) {
    if (left > 1) ended.set(native, left - 1);
    else ended.delete(native);
  }
}
