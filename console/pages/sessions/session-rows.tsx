import { Badge } from '@mantine/core';
import { ask } from '../../api/ask.ts';
import { refresh, useMe } from '../../api/queries.ts';
import { useForbidden } from '../../api/rights.ts';
import type { SessionView } from '../../api/shapes.ts';
import { Confirm } from '../../parts/confirm.tsx';
import { StateMark } from '../../parts/marks.tsx';
import { Person } from '../../parts/person.tsx';
import { type Column, Rows } from '../../parts/rows.tsx';
import { When } from '../../parts/when.tsx';
import { readUserAgent } from './read-user-agent.ts';

const credentialWords: Record<SessionView['credential'], string> = {
  passkey: 'passkey',
  recovery: 'recovery code',
  federated: 'identity provider',
};

interface SessionRowsProps {
  readonly label: string;
  readonly sessions: readonly SessionView[];
  readonly withPerson?: boolean;
  readonly more?: Parameters<typeof Rows<SessionView>>[0]['more'];
}

/** Sessions with their strength, and the button that ends one. */
export function SessionRows({ label, sessions, withPerson, more }: SessionRowsProps) {
  const me = useMe();
  const refused = useForbidden('session');
  const person: Column<SessionView> = { head: 'Person', cell: (session) => <Person id={session.user} /> };
  return (
    <Rows
      label={label}
      rows={sessions}
      keyOf={(session) => session.id}
      {...(more === undefined ? {} : { more })}
      columns={[
        ...(withPerson === true ? [person] : []),
        {
          head: 'Where',
          cell: (session) => (
            <span title={session.userAgent}>
              {readUserAgent(session.userAgent)}
              {session.id === me.data?.session?.id && (
                <Badge ml="xs" color="gray">
                  this one
                </Badge>
              )}
            </span>
          ),
        },
        {
          head: 'Signed in with',
          cell: (session) => (
            <>
              {credentialWords[session.credential]}
              {session.provider !== 'local' && <span className="dim"> {session.provider}</span>}
              {!session.phishingResistant && (
                <Badge ml="xs" color="ochre">
                  phishable
                </Badge>
              )}
            </>
          ),
        },
        {
          head: 'Bound',
          cell: (session) =>
            session.bound ? <Badge color="verdigris">to its device</Badge> : <span className="dim">not bound</span>,
        },
        { head: 'Began', cell: (session) => <When at={session.createdAt} /> },
        {
          head: 'Ends',
          cell: (session) =>
            session.status === 'active' ? (
              <When at={session.expiresAt} />
            ) : (
              <span title={session.endedReason ?? ''}>
                <StateMark state={session.status} />
              </span>
            ),
        },
        {
          head: 'Action',
          align: 'end',
          cell: (session) =>
            session.status === 'active' ? (
              <Confirm
                label="Revoke"
                title="Revoke this session?"
                ariaLabel={`Revoke the session on ${readUserAgent(session.userAgent)}`}
                refused={refused}
                run={async () => {
                  await ask(`/sessions/${encodeURIComponent(session.id)}/revoke`, { method: 'POST', body: {} });
                  await refresh('sessions');
                }}
                done="The session is revoked and its open connections are cut."
              >
                Every page and connection open under it is cut within a moment, on every app. The person can sign in
                again, if policy lets them.
                {session.id === me.data?.session?.id && (
                  <strong> This is the session you are using: you will be signed out.</strong>
                )}
              </Confirm>
            ) : null,
        },
      ]}
    />
  );
}
