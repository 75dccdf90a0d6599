import { Button, Code, CopyButton, Drawer, Group, Stack, Text } from '@mantine/core';
import { Link } from 'react-router';
import type { EventView } from '../../api/shapes.ts';
import { className, readEvent } from '../../events/read-event.ts';
import { Words } from '../../parts/words.tsx';
import { exactTime } from '../../time/relative.ts';
import { OutcomeMark } from './outcome-mark.tsx';

/** Everything the journal holds about one event, and the way to why. */
export function EventDrawer({ event, onClose }: { event: EventView | null; onClose: () => void }) {
  return (
    <Drawer opened={event !== null} onClose={onClose} position="right" size="lg" title="Event">
      {event !== null && <Details event={event} />}
    </Drawer>
  );
}

function Details({ event }: { event: EventView }) {
  const line = readEvent(event);
  const text = JSON.stringify(event, null, 2);
  const isDecision = event.classUid === 4002 || event.classUid === 6003;
  return (
    <Stack>
      <div>
        <Text fw={600}>{line.what}</Text>
        {line.words !== '' && (
          <Text size="sm">
            <Words>{line.words}</Words>
          </Text>
        )}
      </div>
      <dl className="pairs">
        <dt>Outcome</dt>
        <dd>
          <OutcomeMark event={event} />
        </dd>
        <dt>When</dt>
        <dd>{exactTime(event.time)}</dd>
        <dt>Who</dt>
        <dd>{line.who}</dd>
        {line.where !== '' && (
          <>
            <dt>Where</dt>
            <dd>{line.where}</dd>
          </>
        )}
        <dt>Kind</dt>
        <dd>
          {className(event.classUid)} <span className="dim">(OCSF {event.classUid})</span>
        </dd>
        <dt>Correlation id</dt>
        <dd>
          <Code>{event.id}</Code>
        </dd>
        <dt>In the journal</dt>
        <dd>
          {event.writer}, entry {event.seq}
        </dd>
        <dt>Judged by</dt>
        <dd>
          policies no. {event.policySequence}, facts at revision {event.factRevision}
        </dd>
      </dl>
      <Group gap="xs">
        {isDecision && (
          <Button component={Link} to={`/why?event=${encodeURIComponent(event.id)}`} size="xs">
            Why?
          </Button>
        )}
        <CopyButton value={text}>
          {({ copied, copy }) => (
            <Button size="xs" variant="default" onClick={copy}>
              {copied ? 'Copied' : 'Copy as JSON'}
            </Button>
          )}
        </CopyButton>
      </Group>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard */}
      <section className="json" aria-label="OCSF event as JSON" tabIndex={0}>
        <pre>{text}</pre>
      </section>
    </Stack>
  );
}
