import { Anchor, Button, Stack, Text, TextInput } from '@mantine/core';
import { IconArrowRight, IconFingerprint } from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import { useAction } from './action.ts';
import { get, post } from './ask.ts';
import { Card, Problem, Waiting } from './card.tsx';
import { canSuggest, passkeysWork, signIn } from './passkey.ts';
import { RecoverForm } from './recover-form.tsx';

interface View {
  readonly app: string;
  /** Set when somebody signed in must prove it again. */
  readonly confirming: string | null;
  readonly providers: readonly { readonly name: string; readonly displayName: string }[];
}

export function SignInPage({ interaction }: { interaction: string }) {
  const [view, setView] = useState<View>();
  const [gone, setGone] = useState<Error>();
  const [recovering, setRecovering] = useState(false);
  useEffect(() => {
    get<View>(`/interaction/${interaction}/view`).then(setView, setGone);
  }, [interaction]);

  if (gone !== undefined) {
    return (
      <Card title="This sign-in is over" lead={gone.message}>
        <Text size="sm">Go back to the app you came from and open it again.</Text>
      </Card>
    );
  }
  if (view === undefined) {
    return (
      <Card title="Sign in">
        <Waiting />
      </Card>
    );
  }
  if (recovering) return <RecoverForm onBack={() => setRecovering(false)} />;
  return <Ways interaction={interaction} view={view} onRecover={() => setRecovering(true)} />;
}

function Ways({ interaction, view, onRecover }: { interaction: string; view: View; onRecover: () => void }) {
  const action = useAction();
  const [suggesting, setSuggesting] = useState(false);
  useEffect(() => {
    let current = true;
    canSuggest().then((possible) => {
      if (!current || !possible) return;
      setSuggesting(true);
      // The browser waits for the person to pick a suggestion; that it is given up is no error.
      signIn(interaction, true).then(
        ({ location }) => window.location.assign(location),
        () => {},
      );
    });
    return () => {
      current = false;
    };
  }, [interaction]);

  const byPasskey = () =>
    action.run(async () => {
      window.location.assign((await signIn(interaction)).location);
    });
  const byProvider = (name: string) =>
    action.run(async () => {
      const { location } = await post<{ location: string }>(`/interaction/${interaction}/federation/${name}`);
      window.location.assign(location);
    });
  return (
    <Card
      title={view.confirming === null ? 'Sign in' : `Is it you, ${view.confirming}?`}
      lead={
        view.confirming === null ? (
          <>
            to open <strong>{view.app}</strong>
          </>
        ) : (
          <>
            <strong>{view.app}</strong> asks for a fresh proof.
          </>
        )
      }
    >
      <Stack gap="md">
        <Problem error={action.error} />
        {passkeysWork() ? (
          <Button
            size="md"
            fullWidth
            onClick={byPasskey}
            loading={action.busy}
            leftSection={<IconFingerprint size={20} aria-hidden />}
          >
            {view.confirming === null ? 'Sign in with a passkey' : 'Confirm with a passkey'}
          </Button>
        ) : (
          <Text>This browser has no passkeys. Use a current one, or another device.</Text>
        )}
        {suggesting && view.confirming === null ? (
          <TextInput
            label="Or pick from your browser’s suggestions"
            placeholder="Your passkeys"
            name="username"
            autoComplete="username webauthn"
          />
        ) : null}
        {view.providers.map((provider) => (
          <Button
            key={provider.name}
            variant="default"
            size="md"
            fullWidth
            onClick={() => byProvider(provider.name)}
            rightSection={<IconArrowRight size={18} aria-hidden />}
          >
            Continue with {provider.displayName}
          </Button>
        ))}
        <Text size="sm" c="dimmed">
          Lost your passkey?{' '}
          <Anchor component="button" type="button" size="sm" onClick={onRecover}>
            Use a recovery code
          </Anchor>
        </Text>
      </Stack>
    </Card>
  );
}
