import type { EventSink, JournalEvent } from '#foundation/model';
import type { IdentityCore } from '../needs.ts';
import { RateLimit } from './rate-limit.ts';

/** Refusals written out at once, and then one every so often; strangers must not be able to fill the journal. */
const burst = 100;
const refillMs = 2_000;

/**
 * Bounds the failed sign-ins that are written: anybody can cause them. What is left out is counted, and the next one that
 * is written says how many went before it.
 */
export function boundRefusals(core: Pick<IdentityCore, 'clock' | 'emit'>): EventSink {
  const limit = new RateLimit(core.clock, { burst, refillMs });
  let leftOut = 0;
  return async (event: JournalEvent) => {
    if (!limit.take('all')) {
      leftOut += 1;
      return;
    }
    const count = leftOut + 1;
    leftOut = 0;
    await core.emit(count === 1 ? event : { ...event, payload: { ...event.payload, count } });
  };
}
