import { Badge, Button, NativeSelect, Tabs, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconPlayerPause, IconPlayerPlay } from '@tabler/icons-react';
import { useState } from 'react';
import { useList } from '../../api/queries.ts';
import type { EventView } from '../../api/shapes.ts';
import { className, matches } from '../../events/read-event.ts';
import { Page, Panel } from '../../parts/page.tsx';
import { Await, Empty } from '../../parts/states.tsx';
import { EventRows } from './event-table.tsx';
import { type EventStream, useEventStream } from './use-event-stream.ts';

const searchDelayMs = 300;
const classes = [4002, 3002, 3001, 3004, 6003];

interface Filter {
  readonly text: string;
  readonly outcome: string;
  readonly kind: string;
}

function Filters({
  filter,
  onChange,
  children,
}: {
  filter: Filter;
  onChange: (filter: Filter) => void;
  children?: React.ReactNode;
}) {
  return (
    <div className="toolbar toolbar-inset">
      <TextInput
        aria-label="Filter by text"
        placeholder="Person, app, path or id"
        value={filter.text}
        onChange={(event) => onChange({ ...filter, text: event.currentTarget.value })}
      />
      <NativeSelect
        aria-label="Outcome"
        value={filter.outcome}
        onChange={(event) => onChange({ ...filter, outcome: event.currentTarget.value })}
        data={[
          { value: '', label: 'any outcome' },
          { value: 'success', label: 'allowed or done' },
          { value: 'failure', label: 'refused or failed' },
        ]}
      />
      <NativeSelect
        aria-label="Kind"
        value={filter.kind}
        onChange={(event) => onChange({ ...filter, kind: event.currentTarget.value })}
        data={[
          { value: '', label: 'any kind' },
          ...classes.map((each) => ({ value: String(each), label: className(each) })),
        ]}
      />
      {children}
    </div>
  );
}

const stateWords: Record<EventStream['state'], readonly [string, string]> = {
  connecting: ['connecting', 'gray'],
  open: ['live', 'verdigris'],
  lost: ['lost, trying again', 'ochre'],
};

function Live({ filter, onChange }: { filter: Filter; onChange: (filter: Filter) => void }) {
  const [isPaused, setPaused] = useState(false);
  const stream = useEventStream(isPaused);
  const [words, color] = stateWords[stream.state];
  const shown = stream.events.filter(
    (event) =>
      matches(event, filter.text) &&
      (filter.outcome === '' || event.statusId === (filter.outcome === 'success' ? 1 : 2)) &&
      (filter.kind === '' || event.classUid === Number(filter.kind)),
  );
  return (
    <Panel flush>
      <Filters filter={filter} onChange={onChange}>
        <Button
          variant="default"
          onClick={() => setPaused(!isPaused)}
          aria-pressed={isPaused}
          leftSection={isPaused ? <IconPlayerPlay size={16} aria-hidden /> : <IconPlayerPause size={16} aria-hidden />}
        >
          {isPaused ? `Go on${stream.heldCount > 0 ? ` (${stream.heldCount})` : ''}` : 'Pause'}
        </Button>
        <span role="status" className="live-state">
          <Badge color={isPaused ? 'ochre' : color}>{isPaused ? 'paused' : words}</Badge>
        </span>
      </Filters>
      {shown.length === 0 ? (
        <Empty title={stream.events.length === 0 ? 'Waiting for something to happen' : 'Nothing matches'}>
          Open an app in another tab: each request appears here as it is judged.
        </Empty>
      ) : (
        // A log would have every line read aloud; the state and the pause button are what a screen reader needs here.
        <EventRows label="Live events" events={shown} />
      )}
    </Panel>
  );
}

function Past({ filter, onChange }: { filter: Filter; onChange: (filter: Filter) => void }) {
  const [q] = useDebouncedValue(filter.text.trim(), searchDelayMs);
  const events = useList<EventView>('/events', { q, outcome: filter.outcome, class: filter.kind });
  return (
    <Panel flush>
      <Filters filter={filter} onChange={onChange} />
      <Await answer={{ ...events, data: events.items }} what="events">
        {(items) =>
          items.length === 0 ? (
            <Empty title="Nothing matches">Try fewer filters.</Empty>
          ) : (
            <EventRows label="Past events" events={items} more={events} />
          )
        }
      </Await>
    </Panel>
  );
}

/** The journal as it is written, and as it was. */
export function EventsPage() {
  const [filter, setFilter] = useState<Filter>({ text: '', outcome: '', kind: '' });
  return (
    <Page title="Events" lead="Every decision, sign-in and change, from a journal that shows when anybody altered it.">
      <Tabs defaultValue="live" keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="live">Live</Tabs.Tab>
          <Tabs.Tab value="past">Past</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="live">
          <Live filter={filter} onChange={setFilter} />
        </Tabs.Panel>
        <Tabs.Panel value="past">
          <Past filter={filter} onChange={setFilter} />
        </Tabs.Panel>
      </Tabs>
    </Page>
  );
}
