import { Button, NativeSelect, Text, Textarea, Title } from '@mantine/core';
import { IconExternalLink } from '@tabler/icons-react';
import { useState } from 'react';
import { ask } from '../../api/ask.ts';
import { fieldMessage } from '../../api/problem.ts';
import { refresh, useAnswer, useMe } from '../../api/queries.ts';
import type { GrantView, MyApp } from '../../api/shapes.ts';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { AnswerMark, StateMark } from '../../parts/marks.tsx';
import { Page, Panel } from '../../parts/page.tsx';
import { Rows } from '../../parts/rows.tsx';
import { Await, Empty } from '../../parts/states.tsx';
import { toast } from '../../parts/toast.ts';
import { When } from '../../parts/when.tsx';
import { Words } from '../../parts/words.tsx';
import { durationWords } from '../../time/relative.ts';
import { durations } from '../access/access-page.tsx';

function AskForAccess({ app, onClose }: { app: MyApp; onClose: () => void }) {
  const [reason, setReason] = useState('');
  const [duration, setDuration] = useState(durations[1]?.value ?? '');
  return (
    <FormDialog
      title={`Ask for access to ${app.displayName || app.id}`}
      opened
      onClose={onClose}
      submitLabel="Ask"
      canSubmit={reason.trim() !== ''}
      run={async () => {
        await ask('/me/grants', {
          method: 'POST',
          body: { resource: app.id, reason: reason.trim(), durationMs: Number(duration) },
        });
        await refresh('me', 'grants');
        toast('Asked. An administrator decides; you see the answer here.');
      }}
    >
      {(error) => (
        <>
          <Textarea
            label="Why you need it"
            autosize
            required
            value={reason}
            onChange={(event) => setReason(event.currentTarget.value)}
            error={fieldMessage(error, 'reason')}
            data-autofocus
          />
          <NativeSelect
            label="For how long"
            value={duration}
            onChange={(event) => setDuration(event.currentTarget.value)}
            data={durations}
          />
        </>
      )}
    </FormDialog>
  );
}

function AppCard({ app, onAsk }: { app: MyApp; onAsk: () => void }) {
  const name = app.displayName || app.id;
  return (
    <li className="step">
      <div className="reach">
        <Title order={2} size="h3">
          {name}
        </Title>
        <AnswerMark answer={app.answer} />
      </div>
      {app.description !== '' && (
        <Text size="sm" c="dimmed">
          {app.description}
        </Text>
      )}
      {app.answer !== 'allow' &&
        [...app.words, ...app.remedies.map((remedy) => remedy.words)].map((words) => (
          <Text size="sm" key={words}>
            <Words>{words}</Words>
          </Text>
        ))}
      <div className="badges">
        <Button
          component="a"
          href={app.url}
          target="_blank"
          rel="noreferrer"
          size="xs"
          variant={app.answer === 'allow' ? 'filled' : 'default'}
          leftSection={<IconExternalLink size={14} aria-hidden />}
          aria-label={`Open ${name}`}
        >
          Open
        </Button>
        {app.answer !== 'allow' && app.requestable && (
          <Button size="xs" onClick={onAsk} aria-label={`Ask for access to ${name}`}>
            Ask for access
          </Button>
        )}
      </div>
    </li>
  );
}

function MyGrants() {
  const grants = useAnswer<{ items: readonly GrantView[] }>('/me/grants');
  return (
    <Panel title="What I asked for" flush>
      <Await answer={grants} what="your requests">
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="Nothing yet">
              Where you are refused and may ask, the request and its answer appear here.
            </Empty>
          ) : (
            <Rows
              label="My requests"
              rows={items}
              keyOf={(grant) => grant.id}
              columns={[
                { head: 'App', cell: (grant) => grant.resource },
                { head: 'Reason', wide: true, cell: (grant) => grant.reason },
                { head: 'For', cell: (grant) => durationWords(grant.durationMs) },
                { head: 'Asked', cell: (grant) => <When at={grant.requestedAt} /> },
                {
                  head: 'State',
                  cell: (grant) => (
                    <>
                      <StateMark state={grant.state} />
                      {grant.state === 'active' && grant.expiresAt !== null && (
                        <span className="dim">
                          {' '}
                          ends <When at={grant.expiresAt} />
                        </span>
                      )}
                    </>
                  ),
                },
              ]}
            />
          )
        }
      </Await>
    </Panel>
  );
}

/** Array.sort keeps the order of what is equal. */
const openFirst = (a: MyApp, b: MyApp) => Number(b.answer === 'allow') - Number(a.answer === 'allow');

/** What the signed-in person reaches now, what they do not, and what would change that. */
export function MyAppsPage() {
  const me = useMe();
  const apps = useAnswer<{ items: readonly MyApp[] }>('/me/apps');
  const [asking, setAsking] = useState<MyApp | null>(null);
  return (
    <Page
      title="My apps"
      lead="What you may open just now, and how to ask for the rest."
      actions={
        me.data !== undefined && (
          <Button component="a" variant="default" href={`${me.data.urls.id}/account`}>
            My account and passkeys
          </Button>
        )
      }
    >
      <div className="stack">
        <Await answer={apps} what="your apps">
          {({ items }) =>
            items.length === 0 ? (
              <Empty title="No app yet">When an administrator puts one behind Nullius, it appears here.</Empty>
            ) : (
              <ul className="plain-list steps">
                {[...items].sort(openFirst).map((app) => (
                  <AppCard key={app.id} app={app} onAsk={() => setAsking(app)} />
                ))}
              </ul>
            )
          }
        </Await>
        <MyGrants />
      </div>
      {asking !== null && <AskForAccess app={asking} onClose={() => setAsking(null)} />}
    </Page>
  );
}
