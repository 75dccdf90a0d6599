import { NativeSelect, Select, Tabs, TextInput } from '@mantine/core';
import { useState } from 'react';
import { Link } from 'react-router';
import { ask } from '../../api/ask.ts';
import { fieldMessage } from '../../api/problem.ts';
import { refresh, useList } from '../../api/queries.ts';
import { useForbidden } from '../../api/rights.ts';
import type { GrantView, ResourceView, UserView } from '../../api/shapes.ts';
import { Confirm } from '../../parts/confirm.tsx';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { GuardedButton } from '../../parts/guarded-button.tsx';
import { StateMark } from '../../parts/marks.tsx';
import { Page, Panel } from '../../parts/page.tsx';
import { Person } from '../../parts/person.tsx';
import { type Column, Rows } from '../../parts/rows.tsx';
import { Await, Empty } from '../../parts/states.tsx';
import { toast } from '../../parts/toast.ts';
import { When } from '../../parts/when.tsx';
import { durationWords } from '../../time/relative.ts';

const hourMs = 3_600_000;
/** What people choose from when they give or ask for access. */
export const durations = [hourMs, 2 * hourMs, 8 * hourMs, 24 * hourMs, 7 * 24 * hourMs].map((duration) => ({
  value: String(duration),
  label: durationWords(duration),
}));

async function act(grant: GrantView, verb: 'approve' | 'deny' | 'revoke'): Promise<void> {
  await ask(`/grants/${encodeURIComponent(grant.id)}/${verb}`, { method: 'POST', body: {} });
  await refresh('grants', 'me');
}

function Actions({ grant }: { grant: GrantView }) {
  const refused = useForbidden('grant');
  if (grant.state === 'requested') {
    return (
      <>
        <Confirm
          label="Approve"
          tone="plain"
          title="Approve this request?"
          refused={refused}
          run={() => act(grant, 'approve')}
          done="Approved. It holds from now on, and ends by itself."
        >
          <Person id={grant.user} /> reaches <strong>{grant.resource}</strong> for {durationWords(grant.durationMs)},
          beginning now, if policies honour grants for it.
        </Confirm>
        <Confirm
          label="Deny"
          title="Deny this request?"
          refused={refused}
          run={() => act(grant, 'deny')}
          done="Denied."
        >
          They are told no, and may ask again.
        </Confirm>
      </>
    );
  }
  if (grant.state !== 'active') return null;
  return (
    <Confirm
      label="Revoke"
      title="Revoke this grant?"
      refused={refused}
      run={() => act(grant, 'revoke')}
      done="Revoked."
    >
      What <Person id={grant.user} /> has open on {grant.resource} is judged again at once, and cut when nothing else
      allows it.
    </Confirm>
  );
}

const columns: readonly Column<GrantView>[] = [
  { head: 'Person', cell: (grant) => <Person id={grant.user} /> },
  {
    head: 'App',
    cell: (grant) => (
      <Link className="link" to={`/apps/${encodeURIComponent(grant.resource)}`}>
        {grant.resource}
      </Link>
    ),
  },
  { head: 'Reason', wide: true, cell: (grant) => grant.reason || <span className="dim">none given</span> },
  { head: 'For', cell: (grant) => durationWords(grant.durationMs) },
  {
    head: 'State',
    cell: (grant) => (
      <>
        <StateMark state={grant.state} />{' '}
        <span className="dim">
          {grant.state === 'requested' && <When at={grant.requestedAt} />}
          {grant.state === 'active' && grant.expiresAt !== null && (
            <>
              ends <When at={grant.expiresAt} />
            </>
          )}
          {grant.state !== 'requested' && grant.decidedBy !== null && (
            <>
              {' by '}
              <Person id={grant.decidedBy} />
            </>
          )}
        </span>
      </>
    ),
  },
  { head: 'Action', align: 'end', cell: (grant) => <Actions grant={grant} /> },
];

const emptyWords: Record<string, readonly [string, string]> = {
  requested: ['Nothing waits', 'When somebody is refused and asks for access, their request waits here.'],
  active: ['No grant runs', 'Access that was given for a limited time stands here until it ends by itself.'],
  all: ['None yet', 'Every request and grant, past ones included, stands here.'],
};

function Grants({ state }: { state: string }) {
  const grants = useList<GrantView>('/grants', state === 'all' ? {} : { state });
  const [title, words] = emptyWords[state] ?? ['None', ''];
  return (
    <Panel flush>
      <Await answer={{ ...grants, data: grants.items }} what="grants">
        {(items) =>
          items.length === 0 ? (
            <Empty title={title}>{words}</Empty>
          ) : (
            <Rows label="Grants" rows={items} keyOf={(grant) => grant.id} columns={columns} more={grants} />
          )
        }
      </Await>
    </Panel>
  );
}

function Give({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const people = useList<UserView>('/users', { limit: 200, status: 'active' });
  const apps = useList<ResourceView>('/resources', { limit: 200 });
  const [user, setUser] = useState<string | null>(null);
  const [resource, setResource] = useState<string | null>(null);
  const [reason, setReason] = useState('');
  const [duration, setDuration] = useState(String(2 * hourMs));
  return (
    <FormDialog
      title="Give access for a while"
      opened={opened}
      onClose={onClose}
      submitLabel="Give"
      canSubmit={user !== null && resource !== null && reason.trim() !== ''}
      run={async () => {
        await ask('/grants', {
          method: 'POST',
          body: { user, resource, reason: reason.trim(), durationMs: Number(duration) },
        });
        await refresh('grants', 'me');
        toast('Given. It ends by itself.');
      }}
    >
      {(error) => (
        <>
          <Select
            label="To whom"
            searchable
            required
            comboboxProps={{ withinPortal: false }}
            value={user}
            onChange={setUser}
            error={fieldMessage(error, 'user')}
            data={(people.items ?? []).map((each) => ({ value: each.id, label: each.displayName || each.name }))}
          />
          <Select
            label="To which app"
            searchable
            required
            comboboxProps={{ withinPortal: false }}
            value={resource}
            onChange={setResource}
            error={fieldMessage(error, 'resource')}
            data={(apps.items ?? []).map((each) => ({ value: each.id, label: each.displayName || each.id }))}
          />
          <TextInput
            label="Why"
            required
            value={reason}
            onChange={(event) => setReason(event.currentTarget.value)}
            error={fieldMessage(error, 'reason')}
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

/** Requests for access and what has been given, for a limited time each. */
export function AccessPage() {
  const [isGiving, setGiving] = useState(false);
  const refused = useForbidden('grant');
  return (
    <Page
      title="Access grants"
      lead="Access to one app for one person that ends by itself. A refused person can ask for it where the app allows asking."
      actions={
        <GuardedButton refused={refused} onPress={() => setGiving(true)}>
          Give access
        </GuardedButton>
      }
    >
      <Tabs defaultValue="requested" keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="requested">Waiting</Tabs.Tab>
          <Tabs.Tab value="active">Running</Tabs.Tab>
          <Tabs.Tab value="all">All</Tabs.Tab>
        </Tabs.List>
        {['requested', 'active', 'all'].map((state) => (
          <Tabs.Panel value={state} key={state}>
            <Grants state={state} />
          </Tabs.Panel>
        ))}
      </Tabs>
      <Give opened={isGiving} onClose={() => setGiving(false)} />
    </Page>
  );
}
