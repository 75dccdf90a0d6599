import { Badge } from '@mantine/core';
import type { EventView } from '../../api/shapes.ts';

/** Did it succeed? Said in a word besides the colour. */
export function OutcomeMark({ event }: { event: EventView }) {
  if (event.statusId === 0) return <span className="dim">–</span>;
  const isRequest = event.classUid === 4002;
  const words = event.statusId === 1 ? (isRequest ? 'allowed' : 'done') : isRequest ? 'refused' : 'failed';
  return <Badge color={event.statusId === 1 ? 'verdigris' : 'madder'}>{words}</Badge>;
}
