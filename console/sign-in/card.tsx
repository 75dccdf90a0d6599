import { Alert, Loader, Text, Title } from '@mantine/core';
import { type ReactNode, useEffect } from 'react';
import { Mark } from '../logo.tsx';

/** One quiet card in the middle of the page; `wide` for lists. */
export function Card({
  title,
  lead,
  wide,
  children,
}: {
  title: string;
  lead?: ReactNode;
  wide?: boolean;
  children: ReactNode;
}) {
  useEffect(() => {
    document.title = `${title} · Nullius`;
  }, [title]);
  return (
    <div className="gate">
      <main className="gate-card" data-wide={wide === true}>
        <div className="gate-brand">
          <Mark size={28} />
          <span>Nullius</span>
        </div>
        <Title order={1} className="gate-title">
          {title}
        </Title>
        {lead === undefined ? null : (
          <Text c="dimmed" className="gate-lead">
            {lead}
          </Text>
        )}
        {children}
      </main>
    </div>
  );
}

/** What went wrong, announced to screen readers; nothing when there is nothing to say. */
export function Problem({ error }: { error: Error | undefined }) {
  return (
    <div role="alert" className="gate-problem">
      {error === undefined || error.message === '' ? null : (
        <Alert color="madder" className="gate-alert">
          {error.message}
        </Alert>
      )}
    </div>
  );
}

export function Waiting() {
  return (
    <div className="gate-waiting">
      <Loader size="sm" aria-label="Loading" />
    </div>
  );
}
