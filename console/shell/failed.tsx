import { Button, Group } from '@mantine/core';
import { Link, useRouteError } from 'react-router';
import { Page } from '../parts/page.tsx';
import { ProblemAlert } from '../parts/problem-alert.tsx';
import { Empty } from '../parts/states.tsx';

/** Shown where a page threw: an old tab after an upgrade (its script is gone), or a fault of ours. */
export function Failed() {
  const error = useRouteError();
  return (
    <main className="main">
      <Page title="This page failed">
        <div className="stack">
          <ProblemAlert error={error} />
          <Group>
            <Button onClick={() => location.reload()}>Reload</Button>
          </Group>
        </div>
      </Page>
    </main>
  );
}

/** No such place. */
export function NotFound() {
  return (
    <Page title="Nothing is here">
      <Empty
        title="The console has no such page"
        action={
          <Link className="link" to="/">
            Go to the overview
          </Link>
        }
      >
        Perhaps the address has a slip of the pen, or what it named has been removed.
      </Empty>
    </Page>
  );
}
