import { Alert, Badge, Button, Code, Text, Title } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { Link } from 'react-router';
import { useAnswer } from '../../api/queries.ts';
import type { ActivityBucket, EventView, Overview } from '../../api/shapes.ts';
import { readEvent } from '../../events/read-event.ts';
import { StateMark } from '../../parts/marks.tsx';
import { Page, Panel } from '../../parts/page.tsx';
import { Person } from '../../parts/person.tsx';
import { Rows } from '../../parts/rows.tsx';
import { Await, Empty } from '../../parts/states.tsx';
import { useNow, When } from '../../parts/when.tsx';
import { ActivityChart } from './activity-chart.tsx';

const refetchMs = 15_000;
const bucketMs = 30 * 60_000;
const dayMs = 86_400_000;

function Counts({ counts }: { counts: Overview['counts'] }) {
  const shown: readonly (readonly [string, number, string])[] = [
    ['Apps', counts.resources, '/apps'],
    ['People', counts.users, '/people'],
    ['Active sessions', counts.activeSessions, '/sessions'],
    ['Groups', counts.groups, '/groups'],
    ['Segments', counts.segments, '/segments'],
    ['Policies', counts.policies, '/policies'],
    ['Tokens', counts.tokens, '/tokens'],
    ['To approve', counts.pendingGrants, '/access'],
  ];
  return (
    <nav className="counts" aria-label="Counts">
      {shown.map(([label, value, to]) => (
        <Link className="count" to={to} key={label}>
          <span className="count-value">{value.toLocaleString()}</span>
          <span className="count-label">{label}</span>
        </Link>
      ))}
    </nav>
  );
}

function Step({ title, children, action }: { title: string; children: ReactNode; action: ReactNode }) {
  return (
    <section className="step">
      <Title order={3}>{title}</Title>
      <Text size="sm" c="dimmed">
        {children}
      </Text>
      <div>{action}</div>
    </section>
  );
}

/** What now, for somebody who has just started it: shown while there is nothing of their own to show. */
function FirstSteps() {
  return (
    <Panel title="Where to begin">
      <div className="steps">
        <Step
          title="1. Protect an app"
          action={
            <Button component={Link} to="/apps?add" size="xs">
              Add an app
            </Button>
          }
        >
          Two fields: a name and where it runs. From then on every request to it is judged, and the answer is no until
          you say otherwise.
        </Step>
        <Step
          title="2. Invite somebody"
          action={
            <Button component={Link} to="/people?invite" size="xs" variant="default">
              Invite a person
            </Button>
          }
        >
          They get a link, make a passkey on their own device, and are in. There are no passwords to lose.
        </Step>
        <Step
          title="3. Watch it decide"
          action={
            <Button component={Link} to="/events" size="xs" variant="default">
              Open live events
            </Button>
          }
        >
          Each decision appears as it is made, with who asked, for what, and which policy answered.
        </Step>
      </div>
    </Panel>
  );
}

function Refusals({ events }: { events: readonly EventView[] }) {
  if (events.length === 0)
    return <Empty title="None lately">When somebody is refused, you see here who, where and why.</Empty>;
  return (
    <Rows
      label="Recent refusals"
      rows={events}
      keyOf={(event) => event.id}
      columns={[
        { head: 'When', cell: (event) => <When at={event.time} /> },
        { head: 'Who', cell: (event) => readEvent(event).who },
        { head: 'What', wide: true, cell: (event) => <EventWords event={event} /> },
        {
          head: 'Why',
          align: 'end',
          cell: (event) => (
            <Link
              className="link"
              to={`/why?event=${encodeURIComponent(event.id)}`}
              aria-label={`Why was ${readEvent(event).who} refused?`}
            >
              Why?
            </Link>
          ),
        },
      ]}
    />
  );
}

function EventWords({ event }: { event: EventView }) {
  const line = readEvent(event);
  return (
    <span>
      {line.what}
      {line.where === '' && line.words !== '' && `: ${line.words}`}
      {line.where !== '' && (
        <>
          {' on '}
          <strong>{line.where}</strong>
        </>
      )}
    </span>
  );
}

function Health({ overview }: { overview: Overview }) {
  return (
    <dl className="pairs">
      {overview.processes.map((process) => (
        <div key={process.name} className="pair">
          <dt>{process.name}</dt>
          <dd>
            <StateMark state={process.state} />{' '}
            {process.detail !== null && <span className="dim">{process.detail}</span>}
          </dd>
        </div>
      ))}
      <div className="pair">
        <dt>Policies</dt>
        <dd>
          {overview.policy === null ? (
            <Badge color="madder">none published</Badge>
          ) : (
            <>
              <Link className="link" to="/policies">
                No. {overview.policy.sequence}
              </Link>{' '}
              <span className="dim">
                <When at={overview.policy.publishedAt} /> by <Person id={overview.policy.author} />
              </span>
            </>
          )}
        </dd>
      </div>
      <div className="pair">
        <dt>Settings</dt>
        <dd>
          {overview.config.file === null ? 'built-in defaults' : <Code>{overview.config.file}</Code>}{' '}
          <span className="dim">
            read <When at={overview.config.loadedAt} />
          </span>
        </dd>
      </div>
      <div className="pair">
        <dt>Facts</dt>
        <dd>revision {overview.revision.toLocaleString()}</dd>
      </div>
    </dl>
  );
}

function Activity() {
  const now = useNow();
  // Aligned, so that the question (and what the cache keeps) changes once a bucket, not at every tick.
  const since = Math.floor((now - dayMs) / bucketMs) * bucketMs + bucketMs;
  const answer = useAnswer<{ items: readonly ActivityBucket[] }>(
    `/overview/activity?since=${since}&bucketMs=${bucketMs}`,
    { refetchMs },
  );
  return (
    <Panel title="Requests in the last 24 hours">
      <Await answer={answer} what="activity">
        {({ items }) => <ActivityChart buckets={items} />}
      </Await>
    </Panel>
  );
}

/** How things stand: what is protected, what was allowed and refused, and whether every part is well. */
export function OverviewPage() {
  const answer = useAnswer<Overview>('/overview', { refetchMs });
  return (
    <Page title="Overview">
      <Await answer={answer} what="the overview">
        {(overview) => (
          <div className="stack">
            {overview.config.state === 'refused' && (
              <Alert
                color="ochre"
                icon={<IconAlertTriangle aria-hidden />}
                title="The newest settings file was refused"
              >
                {overview.config.problem} The settings before it stay in force.
              </Alert>
            )}
            {overview.config.restart.length > 0 && (
              <Alert color="ochre" icon={<IconAlertTriangle aria-hidden />} title="Settings wait for a restart">
                {overview.config.restart.join(', ')} changed in the settings file and take effect when Nullius starts
                again. Until then the earlier values count.
              </Alert>
            )}
            {overview.counts.users <= 1 && <FirstSteps />}
            <Counts counts={overview.counts} />
            <div className="columns-wide">
              <Activity />
              <Panel title="Health">
                <Health overview={overview} />
              </Panel>
            </div>
            <Panel title="Recent refusals" flush>
              <Refusals events={overview.recentDenials} />
            </Panel>
          </div>
        )}
      </Await>
    </Page>
  );
}
