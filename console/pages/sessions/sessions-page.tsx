import { SegmentedControl } from '@mantine/core';
import { useState } from 'react';
import { useList } from '../../api/queries.ts';
import type { SessionView } from '../../api/shapes.ts';
import { Page, Panel } from '../../parts/page.tsx';
import { Await, Empty } from '../../parts/states.tsx';
import { SessionRows } from './session-rows.tsx';

/** Every login that is alive, and on request those that ended. */
export function SessionsPage() {
  const [status, setStatus] = useState('active');
  const sessions = useList<SessionView>('/sessions', status === 'all' ? {} : { status });
  return (
    <Page
      title="Sessions"
      lead="One session is one login. Revoking it cuts everything that is open under it, not only the next request."
      actions={
        <SegmentedControl
          aria-label="Which sessions"
          value={status}
          onChange={setStatus}
          data={[
            { value: 'active', label: 'Active' },
            { value: 'revoked', label: 'Revoked' },
            { value: 'all', label: 'All' },
          ]}
        />
      }
    >
      <Panel flush>
        <Await answer={{ ...sessions, data: sessions.items }} what="sessions">
          {(items) =>
            items.length === 0 ? (
              <Empty title="None">Nobody is signed in that way just now.</Empty>
            ) : (
              <SessionRows label="Sessions" sessions={items} withPerson more={sessions} />
            )
          }
        </Await>
      </Panel>
    </Page>
  );
}
