import { Badge, Button, Code, Modal } from '@mantine/core';
import { IconExternalLink } from '@tabler/icons-react';
import { Link, useNavigate, useSearchParams } from 'react-router';
import { useList } from '../../api/queries.ts';
import { useForbidden } from '../../api/rights.ts';
import type { ResourceView } from '../../api/shapes.ts';
import { GuardedButton } from '../../parts/guarded-button.tsx';
import { Page, Panel } from '../../parts/page.tsx';
import { Rows } from '../../parts/rows.tsx';
import { Await, Empty } from '../../parts/states.tsx';
import { AddApp } from './add-app.tsx';

/** Every app behind the gateway, and the form to add one. */
export function AppsPage() {
  const [search, setSearch] = useSearchParams();
  const isAdding = search.has('add');
  const setAdding = (adds: boolean) => setSearch(adds ? { add: '' } : {});
  const navigate = useNavigate();
  const apps = useList<ResourceView>('/resources');
  const refused = useForbidden('resource');
  return (
    <Page
      title="Apps"
      lead="Each stands behind the gateway and is reached only when a policy allows it, request by request."
      actions={
        <GuardedButton refused={refused} onPress={() => setAdding(true)}>
          Add an app
        </GuardedButton>
      }
    >
      <Panel flush>
        <Await answer={{ ...apps, data: apps.items }} what="apps">
          {(items) =>
            items.length === 0 ? (
              <Empty title="No app yet" action={<Button onClick={() => setAdding(true)}>Add an app</Button>}>
                Give it a name and say where it runs. It is closed to everybody until a policy allows somebody in.
              </Empty>
            ) : (
              <Rows
                label="Apps"
                rows={items}
                keyOf={(app) => app.id}
                more={apps}
                columns={[
                  {
                    head: 'App',
                    cell: (app) => (
                      <>
                        <Link className="link strong" to={`/apps/${encodeURIComponent(app.id)}`}>
                          {app.displayName || app.id}
                        </Link>
                        {app.origin !== 'api' && (
                          <Badge ml="xs" color="gray" size="xs">
                            {app.origin === 'config' ? 'from nullius.yaml' : 'built in'}
                          </Badge>
                        )}
                      </>
                    ),
                  },
                  { head: 'Forwards to', wide: true, cell: (app) => <Code>{app.upstream}</Code> },
                  {
                    head: 'Segment',
                    cell: (app) =>
                      app.segment === null ? (
                        <span className="dim">none</span>
                      ) : (
                        <Link className="link" to={`/segments#${encodeURIComponent(app.segment)}`}>
                          {app.segment}
                        </Link>
                      ),
                  },
                  {
                    head: 'Open',
                    align: 'end',
                    cell: (app) => (
                      <a
                        className="link"
                        href={app.url}
                        target="_blank"
                        rel="noreferrer"
                        aria-label={`Open ${app.displayName || app.id}`}
                      >
                        <IconExternalLink size={16} aria-hidden />
                      </a>
                    ),
                  },
                ]}
              />
            )
          }
        </Await>
      </Panel>
      <Modal opened={isAdding} onClose={() => setAdding(false)} title="Add an app" size="md">
        <AddApp
          onCancel={() => setAdding(false)}
          onAdded={(app) => {
            void navigate(`/apps/${encodeURIComponent(app.id)}`);
          }}
        />
      </Modal>
    </Page>
  );
}
