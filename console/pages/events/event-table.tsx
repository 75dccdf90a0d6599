import { UnstyledButton } from '@mantine/core';
import { useState } from 'react';
import { useList } from '../../api/queries.ts';
import type { EventView } from '../../api/shapes.ts';
import { className, readEvent } from '../../events/read-event.ts';
import { Rows } from '../../parts/rows.tsx';
import { Await, Empty } from '../../parts/states.tsx';
import { When } from '../../parts/when.tsx';
import { Words } from '../../parts/words.tsx';
import { EventDrawer } from './event-drawer.tsx';
import { OutcomeMark } from './outcome-mark.tsx';

interface EventRowsProps {
  readonly label: string;
  readonly events: readonly EventView[];
  readonly more?: Parameters<typeof Rows<EventView>>[0]['more'];
}

/** Events as lines; each opens a drawer with all of it. */
export function EventRows({ label, events, more }: EventRowsProps) {
  const [shown, setShown] = useState<EventView | null>(null);
  return (
    <>
      <Rows
        label={label}
        rows={events}
        keyOf={(event) => event.id}
        {...(more === undefined ? {} : { more })}
        columns={[
          { head: 'When', cell: (event) => <When at={event.time} /> },
          { head: 'Outcome', cell: (event) => <OutcomeMark event={event} /> },
          { head: 'Who', cell: (event) => readEvent(event).who },
          {
            head: 'What',
            wide: true,
            cell: (event) => {
              const line = readEvent(event);
              return (
                <UnstyledButton className="event-open" onClick={() => setShown(event)} aria-haspopup="dialog">
                  {line.what}
                  {line.where !== '' && <span className="dim"> on {line.where}</span>}
                  {line.words !== '' && (
                    <span className="event-words">
                      <Words>{line.words}</Words>
                    </span>
                  )}
                </UnstyledButton>
              );
            },
          },
          { head: 'Kind', cell: (event) => <span className="dim">{className(event.classUid)}</span> },
        ]}
      />
      <EventDrawer event={shown} onClose={() => setShown(null)} />
    </>
  );
}

/** Past events that match. */
export function EventTable({
  label,
  parameters,
}: {
  label: string;
  parameters: Record<string, string | number | undefined>;
}) {
  const events = useList<EventView>('/events', parameters);
  return (
    <Await answer={{ ...events, data: events.items }} what="events">
      {(items) =>
        items.length === 0 ? (
          <Empty title="Nothing yet">What happens here is written to the journal and appears in this list.</Empty>
        ) : (
          <EventRows label={label} events={items} more={events} />
        )
      }
    </Await>
  );
}
