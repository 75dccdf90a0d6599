import { Button, Stack, Text } from '@mantine/core';
import { IconDeviceMobilePlus, IconLifebuoy } from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import { useAction } from './action.ts';
import { get, post } from './ask.ts';
import { Card, Problem } from './card.tsx';
import { addPasskey } from './passkey.ts';
import { RecoveryCodes } from './recovery-codes.tsx';

/** Right after the first passkey: a second one and recovery codes, so that one lost device locks nobody out. */
export function Welcome({ person }: { person: string }) {
  const action = useAction();
  const [second, setSecond] = useState(false);
  const [codes, setCodes] = useState<readonly string[]>();
  const [console_, setConsole] = useState<string | null>(null);
  useEffect(() => {
    get<{ console: string | null }>('/account/view').then(
      (view) => setConsole(view.console),
      () => {},
    );
  }, []);
  return (
    <Card title={`You are in, ${person}`} lead="Your passkey is saved. Two more minutes now spare you a lockout later.">
      <Stack gap="md">
        <Problem error={action.error} />
        {second ? (
          <Text>Second passkey saved.</Text>
        ) : (
          <Button
            variant="default"
            size="md"
            fullWidth
            disabled={action.busy}
            leftSection={<IconDeviceMobilePlus size={20} aria-hidden />}
            onClick={() =>
              action.run(async () => {
                await addPasskey('Second passkey');
                setSecond(true);
              })
            }
          >
            Add a second passkey
          </Button>
        )}
        {codes === undefined ? (
          <Button
            variant="default"
            size="md"
            fullWidth
            disabled={action.busy}
            leftSection={<IconLifebuoy size={20} aria-hidden />}
            onClick={() =>
              action.run(async () => {
                setCodes((await post<{ codes: string[] }>('/account/recovery-codes')).codes);
              })
            }
          >
            Make recovery codes
          </Button>
        ) : (
          <RecoveryCodes codes={codes} />
        )}
        <Button component="a" href={console_ ?? '/account'} size="md" fullWidth>
          {console_ === null ? 'Continue to your account' : 'Continue to the console'}
        </Button>
      </Stack>
    </Card>
  );
}
