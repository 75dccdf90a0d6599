import { Alert, Badge, Button, Checkbox, Group, Modal, MultiSelect, Stack, Text, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useNavigate, useParams } from 'react-router';
import { ask } from '../../api/ask.ts';
import { fieldMessage } from '../../api/problem.ts';
import { refresh, useAnswer, useList, useMe } from '../../api/queries.ts';
import { useForbidden } from '../../api/rights.ts';
import type { GroupView, SessionView, UserView } from '../../api/shapes.ts';
import { Confirm } from '../../parts/confirm.tsx';
import { GuardedButton } from '../../parts/guarded-button.tsx';
import { StateMark } from '../../parts/marks.tsx';
import { Page, Panel } from '../../parts/page.tsx';
import { ProblemAlert } from '../../parts/problem-alert.tsx';
import { Await, Empty } from '../../parts/states.tsx';
import { toast } from '../../parts/toast.ts';
import { When } from '../../parts/when.tsx';
import { EventTable } from '../events/event-table.tsx';
import { SessionRows } from '../sessions/session-rows.tsx';
import { GroupBadges } from './people-page.tsx';

function pathOf(user: UserView): string {
  return `/users/${encodeURIComponent(user.id)}`;
}

function EditPerson({ user, refused, reload }: { user: UserView; refused: string | undefined; reload: () => void }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <GuardedButton variant="default" size="xs" refused={refused} onPress={() => setOpen(true)}>
        Change
      </GuardedButton>
      <Modal opened={isOpen} onClose={() => setOpen(false)} title={`Change ${user.displayName || user.name}`}>
        <EditForm key={user.revision} user={user} reload={reload} close={() => setOpen(false)} />
      </Modal>
    </>
  );
}

function EditForm({ user, reload, close }: { user: UserView; reload: () => void; close: () => void }) {
  const groups = useList<GroupView>('/groups', { limit: 200 });
  const [displayName, setDisplayName] = useState(user.displayName);
  const [email, setEmail] = useState(user.email ?? '');
  const [chosen, setChosen] = useState<string[]>([...user.groups]);
  const save = useMutation({
    mutationFn: () =>
      ask(pathOf(user), {
        method: 'PATCH',
        ifMatch: user.revision,
        body: {
          displayName: displayName.trim() || user.name,
          email: email.trim() === '' ? null : email.trim(),
          groups: chosen,
        },
      }),
    onSuccess: async () => {
      await refresh('users', 'groups', 'policies');
      toast('Saved. Open connections were judged again.');
      close();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <TextInput
          label="Full name"
          value={displayName}
          onChange={(event) => setDisplayName(event.currentTarget.value)}
          error={fieldMessage(save.error, 'displayName')}
        />
        <TextInput
          label="E-mail"
          type="email"
          value={email}
          onChange={(event) => setEmail(event.currentTarget.value)}
          error={fieldMessage(save.error, 'email')}
        />
        <MultiSelect
          label="Groups"
          description="What they are in decides what they reach, from the next request on."
          data={[...new Set([...(groups.items ?? []).map((group) => group.id), ...user.groups])]}
          value={chosen}
          onChange={setChosen}
          comboboxProps={{ withinPortal: false }}
        />
        {save.error !== null && <ProblemAlert error={save.error} onReload={reload} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            Cancel
          </Button>
          <Button type="submit" loading={save.isPending}>
            Save
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function Actions({ user, reload }: { user: UserView; reload: () => void }) {
  const [erases, setErases] = useState(false);
  const navigate = useNavigate();
  const me = useMe();
  const refusedUser = useForbidden('user');
  const refusedSession = useForbidden('session');
  const isMe = me.data?.user?.id === user.id;
  const name = user.displayName || user.name;
  const setStatus = (status: UserView['status']) => async () => {
    await ask(pathOf(user), { method: 'PATCH', ifMatch: user.revision, body: { status } });
    await refresh('users', 'sessions');
  };
  return (
    <>
      <Confirm
        label="Revoke all sessions"
        size="sm"
        title={`Revoke every session of ${name}?`}
        refused={refusedSession}
        run={async () => {
          await ask(`${pathOf(user)}/revoke-sessions`, { method: 'POST', body: {} });
          await refresh('sessions');
        }}
        done={`Every session of ${name} is revoked.`}
      >
        Everything they have open is cut within a moment, on every device. They can sign in again.
        {isMe && <strong> That is you: you will be signed out.</strong>}
      </Confirm>
      {user.status === 'active' ? (
        <Confirm
          label="Suspend"
          size="sm"
          title={`Suspend ${name}?`}
          refused={isMe ? 'You cannot suspend yourself: ask another administrator.' : refusedUser}
          run={setStatus('suspended')}
          onReload={reload}
          done={`${name} is suspended.`}
        >
          Their sessions and tokens stop working at once and open connections are cut. They cannot sign in until
          somebody activates them. Nothing of theirs is removed.
        </Confirm>
      ) : (
        <Confirm
          label="Activate"
          size="sm"
          tone="plain"
          title={`Activate ${name}?`}
          refused={refusedUser}
          run={setStatus('active')}
          onReload={reload}
          done={`${name} is active again.`}
        >
          They can sign in again with the passkeys they have, and reach what policy allows them.
        </Confirm>
      )}
      <Confirm
        label="Remove"
        size="sm"
        title={`Remove ${name}?`}
        refused={isMe ? 'You cannot remove yourself: ask another administrator.' : refusedUser}
        run={async () => {
          await ask(pathOf(user), { method: 'DELETE', ifMatch: user.revision });
          if (erases) await ask(`${pathOf(user)}/erase`, { method: 'POST' });
        }}
        onReload={reload}
        done={erases ? `${name} is removed and erased.` : `${name} is removed.`}
        onDone={() => {
          void navigate('/people');
          void refresh('users', 'sessions', 'groups', 'tokens', 'grants');
        }}
      >
        Their sessions, tokens, grants and passkeys go with them. What the journal holds about them stays provable. To
        lock them out for a while, suspend them instead.
        <Checkbox
          mt="md"
          label="Also erase what is kept about them"
          description="Nobody can read their events any more; the journal still proves itself. This cannot be undone, except by a backup."
          checked={erases}
          onChange={(event) => setErases(event.currentTarget.checked)}
        />
      </Confirm>
    </>
  );
}

function passkeyWords(count: number): string {
  if (count === 0) return 'no passkey: cannot sign in';
  return count === 1 ? '1 passkey: no spare' : `${count} passkeys`;
}

function Detail({ user, reload }: { user: UserView; reload: () => void }) {
  const refused = useForbidden('user');
  const sessions = useList<SessionView>('/sessions', { user: user.id, status: 'active' });
  return (
    <Page
      title={user.displayName || user.name}
      lead={user.displayName === '' ? undefined : user.name}
      actions={<Actions user={user} reload={reload} />}
    >
      <div className="stack">
        {user.status === 'suspended' && (
          <Alert color="madder">Suspended: nothing they hold works, and they cannot sign in.</Alert>
        )}
        <Panel title="The person">
          <dl className="pairs">
            <dt>Status</dt>
            <dd>
              <StateMark state={user.status} />
            </dd>
            <dt>Login name</dt>
            <dd>{user.name}</dd>
            <dt>E-mail</dt>
            <dd>{user.email ?? <span className="dim">none</span>}</dd>
            <dt>Groups</dt>
            <dd>
              <GroupBadges groups={user.groups} />
            </dd>
            <dt>Signs in</dt>
            <dd>
              {user.source === 'local' ? 'with a passkey, here' : `through ${user.source}`}
              {(user.source === 'local' || user.passkeys > 0) && (
                <Badge ml="xs" color={user.passkeys > 1 ? 'gray' : 'ochre'}>
                  {passkeyWords(user.passkeys)}
                </Badge>
              )}
            </dd>
            <dt>Since</dt>
            <dd>
              <When at={user.createdAt} />
            </dd>
          </dl>
          <Group mt="md">
            <EditPerson user={user} refused={refused} reload={reload} />
          </Group>
        </Panel>
        <Panel title="Active sessions" flush>
          <Await answer={{ ...sessions, data: sessions.items }} what="sessions">
            {(items) =>
              items.length === 0 ? (
                <Empty title="Not signed in">No device of theirs holds a session now.</Empty>
              ) : (
                <SessionRows label="Active sessions" sessions={items} more={sessions} />
              )
            }
          </Await>
        </Panel>
        <Panel title="Lately" flush>
          <EventTable label={`Events about ${user.name}`} parameters={{ user: user.id, limit: 20 }} />
        </Panel>
        <Text size="xs" c="dimmed">
          Id {user.id}
        </Text>
      </div>
    </Page>
  );
}

/** One person: who they are, what they are in, where they are signed in. */
export function PersonPage() {
  const { id = '' } = useParams();
  const answer = useAnswer<UserView>(`/users/${encodeURIComponent(id)}`);
  return (
    <Await answer={answer} what="the person">
      {(user) => <Detail user={user} reload={() => void answer.refetch()} />}
    </Await>
  );
}
