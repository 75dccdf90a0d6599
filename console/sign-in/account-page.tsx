import { Alert, Anchor, Badge, Button, Group, Stack, Text, TextInput, Title } from '@mantine/core';
import { type FormEvent, useCallback, useEffect, useState } from 'react';
import { useAction } from './action.ts';
import { get, post, Refusal } from './ask.ts';
import { browserName } from './browser-name.ts';
import { Card, Problem, Waiting } from './card.tsx';
import { addPasskey } from './passkey.ts';
import { RecoveryCodes } from './recovery-codes.tsx';

interface Passkey {
  readonly id: string;
  readonly name: string;
  readonly createdAt: number;
  readonly lastUsedAt: number | null;
  readonly backedUp: boolean;
}

interface OwnSession {
  readonly id: string;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly userAgent: string;
  readonly credential: string;
  readonly provider: string;
  readonly current: boolean;
}

interface Account {
  readonly name: string;
  readonly displayName: string;
  readonly source: string;
  readonly recovering: boolean;
  readonly passkeys: readonly Passkey[];
  readonly recoveryCodesLeft: number;
  readonly sessions: readonly OwnSession[];
  readonly console: string | null;
}

const dateFormat = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short' });
const when = (time: number) => dateFormat.format(time);

/** Runs a change; when the server asks for a fresh proof, goes and gets one, then the person tries again. */
async function change(step: () => Promise<void>): Promise<void> {
  try {
    await step();
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== 'fresh-authentication-required') throw error;
    window.location.assign('/account/sign-in?fresh');
  }
}

export function AccountPage() {
  const [account, setAccount] = useState<Account>();
  const [failed, setFailed] = useState<Error>();
  const load = useCallback(async () => {
    try {
      setAccount(await get<Account>('/account/view'));
    } catch (error) {
      if (error instanceof Refusal && error.code === 'session-ended') window.location.assign('/account/sign-in');
      else setFailed(error instanceof Error ? error : new Error('Your account could not be read.'));
    }
  }, []);
  useEffect(() => {
    load();
  }, [load]);
  if (account === undefined) {
    return (
      <Card title="Your account">
        <Problem error={failed} />
        {failed === undefined ? <Waiting /> : null}
      </Card>
    );
  }
  if (account.recovering) return <Recovering account={account} />;
  return <Overview account={account} reload={load} />;
}

function Recovering({ account }: { account: Account }) {
  const action = useAction();
  const [done, setDone] = useState(false);
  if (done) {
    return (
      <Card title="Passkey saved" lead="Now sign in with it.">
        <Button component="a" href="/account/sign-in" size="md" fullWidth>
          Sign in
        </Button>
      </Card>
    );
  }
  return (
    <Card
      title={`Add a passkey, ${account.displayName}`}
      lead="You came by a recovery code: this is all you can do with it."
    >
      <Stack gap="md">
        <Problem error={action.error} />
        <Button
          size="md"
          fullWidth
          loading={action.busy}
          onClick={() =>
            action.run(async () => {
              await addPasskey('After recovery');
              setDone(true);
            })
          }
        >
          Create a passkey
        </Button>
      </Stack>
    </Card>
  );
}

interface SectionProps {
  readonly account: Account;
  readonly reload: () => Promise<void>;
}

function Overview({ account, reload }: SectionProps) {
  const action = useAction();
  const signOut = () =>
    action.run(async () => {
      await post('/account/sign-out');
      window.location.assign('/signed-out');
    });
  return (
    <Card title={account.displayName} lead={account.name} wide>
      <Stack gap="xl">
        <Problem error={action.error} />
        {account.source === 'local' ? (
          <>
            <Passkeys account={account} reload={reload} />
            <Recovery account={account} reload={reload} />
          </>
        ) : (
          <Alert>
            You sign in through <strong>{account.source}</strong>; how you do that is kept there.
          </Alert>
        )}
        <Sessions account={account} reload={reload} />
        <Group gap="sm">
          <Button variant="default" onClick={signOut} loading={action.busy}>
            Sign out
          </Button>
          {account.console === null ? null : <Anchor href={account.console}>Open the console</Anchor>}
        </Group>
      </Stack>
    </Card>
  );
}

function Passkeys({ account, reload }: SectionProps) {
  const action = useAction();
  const [name, setName] = useState('');
  const add = (event: FormEvent) => {
    event.preventDefault();
    action.run(() =>
      change(async () => {
        await addPasskey(name.trim());
        setName('');
        await reload();
      }),
    );
  };
  const remove = (id: string) =>
    action.run(() =>
      change(async () => {
        await post('/account/passkeys/remove', { id });
        await reload();
      }),
    );
  return (
    <section>
      <Title order={2}>Passkeys</Title>
      <Problem error={action.error} />
      <ul className="gate-list">
        {account.passkeys.map((passkey) => (
          <PasskeyRow
            key={passkey.id}
            passkey={passkey}
            last={account.passkeys.length === 1}
            onRemove={remove}
            reload={reload}
          />
        ))}
      </ul>
      <form onSubmit={add}>
        <Group gap="sm" align="flex-end">
          <TextInput
            label="Add a passkey"
            placeholder="Security key in the safe"
            required
            maxLength={100}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            className="gate-grow"
          />
          <Button type="submit" variant="default" loading={action.busy}>
            Add
          </Button>
        </Group>
      </form>
    </section>
  );
}

interface RowProps {
  readonly passkey: Passkey;
  readonly last: boolean;
  readonly onRemove: (id: string) => void;
  readonly reload: () => Promise<void>;
}

function PasskeyRow({ passkey, last, onRemove, reload }: RowProps) {
  const [name, setName] = useState<string>();
  const action = useAction();
  const rename = (event: FormEvent) => {
    event.preventDefault();
    action.run(async () => {
      await post('/account/passkeys/rename', { id: passkey.id, name });
      await reload();
      setName(undefined);
    });
  };
  return (
    <li className="gate-row">
      {name === undefined ? (
        <div className="gate-grow">
          <Text fw={600}>{passkey.name}</Text>
          <Text size="sm" c="dimmed">
            Added {when(passkey.createdAt)}
            {passkey.lastUsedAt === null ? '' : `, last used ${when(passkey.lastUsedAt)}`}
            {passkey.backedUp ? ', synced to your other devices' : ', on one device only'}
          </Text>
          <Problem error={action.error} />
        </div>
      ) : (
        <form onSubmit={rename} className="gate-grow">
          <TextInput
            aria-label={`New name of ${passkey.name}`}
            required
            maxLength={100}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
        </form>
      )}
      <Button size="xs" variant="subtle" onClick={() => setName(name === undefined ? passkey.name : undefined)}>
        {name === undefined ? 'Rename' : 'Cancel'}
      </Button>
      <Button
        size="xs"
        variant="subtle"
        color="madder"
        disabled={last}
        aria-label={`Remove ${passkey.name}`}
        onClick={() => onRemove(passkey.id)}
      >
        Remove
      </Button>
    </li>
  );
}

function Recovery({ account, reload }: SectionProps) {
  const action = useAction();
  const [codes, setCodes] = useState<readonly string[]>();
  const make = () =>
    action.run(() =>
      change(async () => {
        setCodes((await post<{ codes: string[] }>('/account/recovery-codes')).codes);
        await reload();
      }),
    );
  return (
    <section>
      <Title order={2}>Recovery codes</Title>
      <Text size="sm" c="dimmed">
        {account.recoveryCodesLeft === 0
          ? 'You have none. Without them a lost device means asking an administrator.'
          : `${account.recoveryCodesLeft} left. Making new ones voids these.`}
      </Text>
      <Problem error={action.error} />
      {codes === undefined ? (
        <Button variant="default" size="sm" mt="sm" onClick={make} loading={action.busy}>
          Make new codes
        </Button>
      ) : (
        <RecoveryCodes codes={codes} />
      )}
    </section>
  );
}

function Sessions({ account, reload }: SectionProps) {
  const action = useAction();
  const end = (id: string) =>
    action.run(async () => {
      await post('/account/sessions/revoke', { id });
      await reload();
    });
  return (
    <section>
      <Title order={2}>Where you are signed in</Title>
      <Problem error={action.error} />
      <ul className="gate-list">
        {account.sessions.map((session) => (
          <li key={session.id} className="gate-row">
            <div className="gate-grow">
              <Text fw={600}>
                {browserName(session.userAgent)} {session.current ? <Badge>this one</Badge> : null}
              </Text>
              <Text size="sm" c="dimmed">
                Since {when(session.createdAt)}, until {when(session.expiresAt)} at the latest
              </Text>
            </div>
            {session.current ? null : (
              <Button size="xs" variant="subtle" color="madder" onClick={() => end(session.id)} disabled={action.busy}>
                End
              </Button>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
