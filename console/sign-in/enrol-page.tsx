import { Button, Stack, Text, TextInput } from '@mantine/core';
import type { PublicKeyCredentialCreationOptionsJSON } from '@simplewebauthn/browser';
import { IconKey } from '@tabler/icons-react';
import { type FormEvent, useEffect, useState } from 'react';
import { useAction } from './action.ts';
import { post } from './ask.ts';
import { Card, Problem, Waiting } from './card.tsx';
import { createPasskey, passkeysWork } from './passkey.ts';
import { Welcome } from './welcome.tsx';

interface Invitation {
  readonly name: string | null;
  readonly displayName: string | null;
  readonly admin: boolean;
}

/** The one-time link: its token stands in the fragment, which is sent to nobody until the page posts it. */
export function EnrolPage() {
  const [token] = useState(() => window.location.hash.slice(1));
  useEffect(() => {
    // Another link opened in this tab changes the fragment alone, and loads nothing by itself.
    const startAnew = () => window.location.reload();
    window.addEventListener('hashchange', startAnew);
    return () => window.removeEventListener('hashchange', startAnew);
  }, []);
  const [invitation, setInvitation] = useState<Invitation>();
  const [gone, setGone] = useState<Error>();
  const [person, setPerson] = useState<string>();
  useEffect(() => {
    // The token leaves the address bar and the history; this page keeps it.
    window.history.replaceState(null, '', window.location.pathname);
    post<Invitation>('/enrol/open', { token: token === '' ? '-' : token }).then(setInvitation, setGone);
  }, [token]);
  if (person !== undefined) return <Welcome person={person} />;
  if (gone !== undefined) {
    return (
      <Card title="This link does not work" lead={gone.message}>
        <Text size="sm">
          An administrator makes a new one with <code>bin/nullius user invite</code>.
        </Text>
      </Card>
    );
  }
  if (invitation === undefined) {
    return (
      <Card title="Welcome">
        <Waiting />
      </Card>
    );
  }
  return <EnrolForm token={token} invitation={invitation} onDone={setPerson} />;
}

interface FormProps {
  readonly token: string;
  readonly invitation: Invitation;
  readonly onDone: (person: string) => void;
}

function EnrolForm({ token, invitation, onDone }: FormProps) {
  const [name, setName] = useState(invitation.name ?? '');
  const [displayName, setDisplayName] = useState(invitation.displayName ?? '');
  const action = useAction();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    action.run(async () => {
      const names = { name: name.trim().toLowerCase(), displayName: displayName.trim() };
      const options = await post<PublicKeyCredentialCreationOptionsJSON>('/enrol/options', { token, ...names });
      const response = await createPasskey(options);
      const done = await post<{ displayName: string }>('/enrol/passkey', { token, ...names, response });
      onDone(done.displayName);
    });
  };
  return (
    <Card
      title={invitation.admin ? 'Become an administrator' : 'Welcome'}
      lead="Make a passkey: your fingerprint, face, PIN or security key. There is no password, so there is none to steal."
    >
      <form onSubmit={submit}>
        <Stack gap="md">
          <Problem error={action.error} />
          <TextInput
            label="Name"
            description="Small letters and digits, such as ada or ada.lovelace"
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
            required
            maxLength={128}
            readOnly={invitation.name !== null}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <TextInput
            label="How others see you"
            autoComplete="name"
            maxLength={200}
            readOnly={invitation.displayName !== null}
            value={displayName}
            onChange={(event) => setDisplayName(event.currentTarget.value)}
          />
          {passkeysWork() ? (
            <Button
              type="submit"
              size="md"
              fullWidth
              loading={action.busy}
              leftSection={<IconKey size={20} aria-hidden />}
            >
              Create a passkey
            </Button>
          ) : (
            <Text>This browser has no passkeys. Open the link in a current one, or on another device.</Text>
          )}
        </Stack>
      </form>
    </Card>
  );
}
