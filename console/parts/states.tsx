import { Skeleton, Stack, Text, Title, VisuallyHidden } from '@mantine/core';
import type { ReactNode } from 'react';
import { ProblemAlert } from './problem-alert.tsx';

/** Grey lines where content will stand. */
export function Loading({ lines = 5, what = 'this page' }: { lines?: number; what?: string }) {
  return (
    <Stack gap="sm" aria-busy="true" role="status">
      <VisuallyHidden>Loading {what}</VisuallyHidden>
      {Array.from({ length: lines }, (_, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the lines are all alike
        <Skeleton key={index} height={28} />
      ))}
    </Stack>
  );
}

/** Nothing here yet: says why, and what to do now. */
export function Empty({ title, children, action }: { title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <div className="empty">
      <Title order={2} size="h3">
        {title}
      </Title>
      {children !== undefined && (
        <Text size="sm" c="dimmed" maw={520}>
          {children}
        </Text>
      )}
      {action}
    </div>
  );
}

interface Answer<T> {
  readonly data: T | undefined;
  readonly error: unknown;
  readonly refetch: () => unknown;
}

/** Loading, failed or here: shows `children` once there is data, and keeps old data beside a later failure. */
export function Await<T>({
  answer,
  what,
  children,
}: {
  answer: Answer<T>;
  what?: string;
  children: (data: T) => ReactNode;
}) {
  if (answer.data === undefined && answer.error === null) return <Loading {...(what === undefined ? {} : { what })} />;
  return (
    <>
      {answer.error !== null && <ProblemAlert error={answer.error} onReload={() => void answer.refetch()} />}
      {answer.data !== undefined && children(answer.data)}
    </>
  );
}
