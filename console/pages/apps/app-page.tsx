import { Alert, Button, Code, Group, Text } from '@mantine/core';
import { IconExternalLink } from '@tabler/icons-react';
import { Link, useNavigate, useParams } from 'react-router';
import { ask } from '../../api/ask.ts';
import { refresh, useAnswer, useList } from '../../api/queries.ts';
import { useForbidden } from '../../api/rights.ts';
import type { GrantView, ResourceLive, ResourceView } from '../../api/shapes.ts';
import { Confirm } from '../../parts/confirm.tsx';
import { StateMark } from '../../parts/marks.tsx';
import { Page, Panel } from '../../parts/page.tsx';
import { Person } from '../../parts/person.tsx';
import { Rows } from '../../parts/rows.tsx';
import { Await, Empty } from '../../parts/states.tsx';
import { When } from '../../parts/when.tsx';
import { EventTable } from '../events/event-table.tsx';
import { AppSettings } from './app-settings.tsx';
import { WhoCan } from './who-can.tsx';

function Routes({ app }: { app: ResourceView }) {
  if (app.routes.length === 0) {
    return (
      <Empty title="One route for everything">
        Policies see it as default. Give parts of the app their own label and policies can treat them apart, such as
        /admin/**.
      </Empty>
    );
  }
  return (
    <Rows
      label="Routes"
      rows={app.routes}
      keyOf={(route) => route.path}
      columns={[
        { head: 'Path', wide: true, cell: (route) => <Code>{route.path}</Code> },
        { head: 'Label in policies', cell: (route) => <Code>{route.label}</Code> },
        { head: 'Encoded slashes', cell: (route) => (route.encodedSlash ? 'accepted' : 'refused') },
      ]}
    />
  );
}

function Grants({ app }: { app: ResourceView }) {
  const grants = useList<GrantView>('/grants', { state: 'active', limit: 200 });
  return (
    <Await
      answer={{
        ...grants,
        data: grants.items?.filter((grant) => grant.resource === app.id && grant.state === 'active'),
      }}
    >
      {(items) =>
        items.length === 0 ? (
          <Empty title="Nobody, just now">Grants given for a limited time appear here until they end.</Empty>
        ) : (
          <Rows
            label="Active grants"
            rows={items}
            keyOf={(grant) => grant.id}
            columns={[
              {
                head: 'Person',
                cell: (grant) => <Person id={grant.user} />,
              },
              { head: 'Reason', wide: true, cell: (grant) => grant.reason || <span className="dim">none given</span> },
              { head: 'Ends', cell: (grant) => (grant.expiresAt === null ? 'never' : <When at={grant.expiresAt} />) },
            ]}
          />
        )
      }
    </Await>
  );
}

const liveEveryMs = 5_000;

/** Sessions and open streams, kept up to date while the page is looked at. */
function LiveNow({ app }: { app: ResourceView }) {
  const live = useAnswer<ResourceLive>(`/resources/${encodeURIComponent(app.id)}/live`, { refetchMs: liveEveryMs });
  const { data } = live;
  if (data === undefined) return <span className="dim">{live.error === null ? 'asking' : 'not known'}</span>;
  return (
    <>
      {data.sessions === 1 ? '1 session' : `${data.sessions} sessions`} of{' '}
      {data.people === 1 ? '1 person' : `${data.people} people`}
      {data.gateways.length === 0 ? (
        <span className="dim">; no gateway reports</span>
      ) : (
        `; ${data.open} open ${data.open === 1 ? 'connection' : 'connections'}`
      )}
    </>
  );
}

function Detail({ app, reload }: { app: ResourceView; reload: () => void }) {
  const navigate = useNavigate();
  const refused = useForbidden('resource');
  const readOnly = app.origin === 'config' ? 'This app comes from nullius.yaml: change it there.' : undefined;
  const name = app.displayName || app.id;
  return (
    <Page
      title={name}
      lead={app.description || `Behind Nullius as ${app.id}.`}
      actions={
        <>
          <Button
            component="a"
            href={app.url}
            target="_blank"
            rel="noreferrer"
            leftSection={<IconExternalLink size={16} aria-hidden />}
          >
            Open
          </Button>
          <Confirm
            label="Remove"
            size="sm"
            title={`Remove ${name}?`}
            refused={readOnly ?? refused}
            run={() => ask(`/resources/${encodeURIComponent(app.id)}`, { method: 'DELETE', ifMatch: app.revision })}
            onReload={reload}
            done={`${name} is removed.`}
            onDone={() => {
              void navigate('/apps');
              void refresh('resources', 'grants', 'me');
            }}
          >
            Its address stops answering and every open connection to it is cut at once. The app itself goes on running,
            but no longer behind Nullius. Grants for it become worthless.
          </Confirm>
        </>
      }
    >
      <div className="stack">
        {readOnly !== undefined && <Alert color="gray">{readOnly}</Alert>}
        <div className="columns">
          <Panel title="The app">
            <dl className="pairs">
              <dt>Address</dt>
              <dd>
                <a className="link" href={app.url} target="_blank" rel="noreferrer">
                  {app.url}
                </a>
              </dd>
              <dt>Now</dt>
              <dd>
                <LiveNow app={app} />
              </dd>
              <dt>Forwards to</dt>
              <dd>
                <Code>{app.upstream}</Code>
              </dd>
              <dt>Private addresses</dt>
              <dd>{app.allowPrivate ? 'allowed for this app' : 'refused'}</dd>
              <dt>Host header</dt>
              <dd>{app.preserveHost ? 'as the browser sent it' : 'the upstream’s own'}</dd>
              <dt>Segment</dt>
              <dd>
                {app.segment === null ? (
                  <Text span c="dimmed">
                    none: no rule for segments reaches it
                  </Text>
                ) : (
                  <Link className="link" to={`/segments#${encodeURIComponent(app.segment)}`}>
                    {app.segment}
                  </Link>
                )}
              </dd>
              <dt>Asking for access</dt>
              <dd>{app.requestable ? 'a refused person may ask' : 'not offered'}</dd>
              <dt>Preflights</dt>
              <dd>{app.corsPreflight ? 'pass without a session' : 'need a session'}</dd>
              <dt>Pages of other origins</dt>
              <dd>{app.crossOriginCookie ? 'act as the person signed in' : 'count as strangers'}</dd>
              <dt>Origin</dt>
              <dd>
                <StateMark
                  state={
                    app.origin === 'config' ? 'from nullius.yaml' : app.origin === 'builtin' ? 'built in' : 'added here'
                  }
                />
              </dd>
            </dl>
            <Group mt="md">
              <AppSettings app={app} refused={readOnly ?? refused} reload={reload} />
            </Group>
          </Panel>
          <WhoCan resource={app.id} />
        </div>
        <Panel title="Routes" flush>
          <Routes app={app} />
        </Panel>
        <Panel title="Access for a limited time" flush>
          <Grants app={app} />
        </Panel>
        <Panel title="Lately" flush>
          <EventTable label={`Events about ${name}`} parameters={{ resource: app.id, limit: 20 }} />
        </Panel>
      </div>
    </Page>
  );
}

/** One app: where it leads, who can reach it, and what happened there. */
export function AppPage() {
  const { id = '' } = useParams();
  const answer = useAnswer<ResourceView>(`/resources/${encodeURIComponent(id)}`);
  return (
    <Await answer={answer} what="the app">
      {(app) => <Detail app={app} reload={() => void answer.refetch()} />}
    </Await>
  );
}
