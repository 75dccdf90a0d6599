import { Button } from '@mantine/core';
import { Card } from './card.tsx';

export function SignedOutPage() {
  return (
    <Card
      title="You are signed out"
      lead="On this browser, in every app. Pages that were open can no longer reach anything."
    >
      <Button component="a" href="/account" variant="default" size="md" fullWidth>
        Sign in again
      </Button>
    </Card>
  );
}
