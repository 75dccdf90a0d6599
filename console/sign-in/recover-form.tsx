import { Button, Stack, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { useAction } from './action.ts';
import { post } from './ask.ts';
import { Card, Problem } from './card.tsx';

export function RecoverForm({ onBack }: { onBack: () => void }) {
  const [name, setName] = useState('');
  const [code, setCode] = useState('');
  const action = useAction();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    action.run(async () => {
      const { location } = await post<{ location: string }>('/recover', { name: name.trim(), code });
      window.location.assign(location);
    });
  };
  return (
    <Card title="Use a recovery code" lead="It works once, and lets you add a new passkey. Nothing else.">
      <form onSubmit={submit}>
        <Stack gap="md">
          <Problem error={action.error} />
          <TextInput
            label="Name"
            autoComplete="username"
            required
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <TextInput
            label="Recovery code"
            autoComplete="off"
            spellCheck={false}
            autoCapitalize="none"
            required
            value={code}
            onChange={(event) => setCode(event.currentTarget.value)}
            classNames={{ input: 'gate-code' }}
          />
          <Button type="submit" size="md" fullWidth loading={action.busy}>
            Go on
          </Button>
          <Button variant="subtle" color="gray" fullWidth onClick={onBack}>
            Back
          </Button>
        </Stack>
      </form>
    </Card>
  );
}
