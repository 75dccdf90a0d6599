import { Badge, NativeSelect, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useState } from 'react';
import { Link, useSearchParams } from 'react-router';
import { useList } from '../../api/queries.ts';
import { useForbidden } from '../../api/rights.ts';
import type { UserView } from '../../api/shapes.ts';
import { GuardedButton } from '../../parts/guarded-button.tsx';
import { StateMark } from '../../parts/marks.tsx';
import { Page, Panel } from '../../parts/page.tsx';
import { Rows } from '../../parts/rows.tsx';
import { Await, Empty } from '../../parts/states.tsx';
import { When } from '../../parts/when.tsx';
import { Invitations } from './invitations.tsx';
import { Invite } from './invite.tsx';

const searchDelayMs = 250;

/** Everybody who can sign in, and those who have been asked to. */
export function PeoplePage() {
  const [search, setSearch] = useSearchParams();
  const [text, setText] = useState('');
  const [status, setStatus] = useState('');
  const [q] = useDebouncedValue(text.trim(), searchDelayMs);
  const refused = useForbidden('invitation');
  const people = useList<UserView>('/users', { q, status });
  const isFiltered = q !== '' || status !== '';
  return (
    <Page
      title="People"
      lead="Each signs in with a passkey on their own device or through your identity provider. There are no passwords."
      actions={
        <GuardedButton refused={refused} onPress={() => setSearch({ invite: '' })}>
          Invite a person
        </GuardedButton>
      }
    >
      <div className="stack">
        <Panel flush>
          <div className="toolbar toolbar-inset">
            <TextInput
              aria-label="Search people"
              placeholder="Search by name"
              value={text}
              onChange={(event) => setText(event.currentTarget.value)}
            />
            <NativeSelect
              aria-label="Status"
              value={status}
              onChange={(event) => setStatus(event.currentTarget.value)}
              data={[
                { value: '', label: 'any status' },
                { value: 'active', label: 'active' },
                { value: 'suspended', label: 'suspended' },
              ]}
            />
          </div>
          <Await answer={{ ...people, data: people.items }} what="people">
            {(items) =>
              items.length === 0 ? (
                <Empty title={isFiltered ? 'Nobody matches' : 'Nobody yet'}>
                  {isFiltered
                    ? 'Try a shorter name, or any status.'
                    : 'Invite somebody: they get a link and make a passkey.'}
                </Empty>
              ) : (
                <Rows
                  label="People"
                  rows={items}
                  keyOf={(user) => user.id}
                  more={people}
                  columns={[
                    {
                      head: 'Person',
                      cell: (user) => (
                        <>
                          <Link className="link strong" to={`/people/${encodeURIComponent(user.id)}`}>
                            {user.displayName || user.name}
                          </Link>{' '}
                          {user.displayName !== '' && <span className="dim">{user.name}</span>}
                        </>
                      ),
                    },
                    {
                      head: 'Groups',
                      wide: true,
                      cell: (user) => <GroupBadges groups={user.groups} />,
                    },
                    { head: 'Signs in by', cell: (user) => <SignsIn user={user} /> },
                    { head: 'Since', cell: (user) => <When at={user.createdAt} /> },
                    { head: 'Status', cell: (user) => <StateMark state={user.status} /> },
                  ]}
                />
              )
            }
          </Await>
        </Panel>
        <Invitations />
      </div>
      <Invite opened={search.has('invite')} onClose={() => setSearch({})} />
    </Page>
  );
}

/** How somebody signs in; one passkey is none to spare. */
function SignsIn({ user }: { user: UserView }) {
  if (user.source !== 'local') return <>{user.source}</>;
  if (user.passkeys === 0) return <Badge color="ochre">no passkey</Badge>;
  return <>{user.passkeys === 1 ? '1 passkey' : `${user.passkeys} passkeys`}</>;
}

/** The groups somebody is in; `everyone` says nothing and is left out. */
export function GroupBadges({ groups }: { groups: readonly string[] }) {
  const shown = groups.filter((group) => group !== 'everyone');
  if (shown.length === 0) return <span className="dim">only everyone</span>;
  return (
    <span className="badges">
      {shown.map((group) => (
        <Badge key={group} color={group === 'administrators' ? 'ochre' : 'gray'}>
          {group}
        </Badge>
      ))}
    </span>
  );
}
