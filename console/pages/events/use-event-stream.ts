import { useEffect, useRef, useState } from 'react';
import type { EventView } from '../../api/shapes.ts';

/** Only so many stay in the page; older ones are in the journal. */
const shownMax = 500;
const heldMax = 2_000;
/** Arrivals are gathered this long, so that a flood redraws ten times a second and not a thousand. */
const gatherMs = 100;

export interface EventStream {
  readonly state: 'connecting' | 'open' | 'lost';
  /** Newest first. */
  readonly events: readonly EventView[];
  /** How many came in while paused; they appear when it goes on. */
  readonly heldCount: number;
}

/** Follows the journal as it is written. While paused, arrivals are held back (the newest `heldMax`), not lost. */
export function useEventStream(isPaused: boolean): EventStream {
  const [state, setState] = useState<EventStream['state']>('connecting');
  const [events, setEvents] = useState<readonly EventView[]>([]);
  const [heldCount, setHeldCount] = useState(0);
  const held = useRef<EventView[]>([]);
  const paused = useRef(isPaused);

  useEffect(() => {
    const source = new EventSource('/api/v1/events/stream');
    source.onopen = () => setState('open');
    source.onerror = () => setState('lost');
    source.addEventListener('journal', (message: MessageEvent<string>) => {
      held.current.push(JSON.parse(message.data) as EventView);
      if (held.current.length > heldMax) held.current.splice(0, held.current.length - heldMax);
    });
    const timer = setInterval(() => {
      if (held.current.length === 0) return;
      if (paused.current) {
        setHeldCount(held.current.length);
        return;
      }
      const arrived = held.current.splice(0).toReversed();
      setHeldCount(0);
      setEvents((shown) => {
        const known = new Set(arrived.map((event) => event.id));
        return [...arrived, ...shown.filter((event) => !known.has(event.id))].slice(0, shownMax);
      });
    }, gatherMs);
    return () => {
      source.close();
      clearInterval(timer);
    };
  }, []);

  useEffect(() => {
    paused.current = isPaused;
  }, [isPaused]);

  return { state, events, heldCount };
}
