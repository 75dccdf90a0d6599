import { Badge } from '@mantine/core';
import { IconAlertCircle, IconCheck, IconX } from '@tabler/icons-react';

/** Allowed, refused or undecided, told by word, shape and colour. */
export function AnswerMark({ answer }: { answer: 'allow' | 'deny' | 'indeterminate' }) {
  if (answer === 'allow') {
    return (
      <Badge color="verdigris" leftSection={<IconCheck size={12} aria-hidden />}>
        Allowed
      </Badge>
    );
  }
  if (answer === 'deny') {
    return (
      <Badge color="madder" leftSection={<IconX size={12} aria-hidden />}>
        Refused
      </Badge>
    );
  }
  return (
    <Badge color="ochre" leftSection={<IconAlertCircle size={12} aria-hidden />}>
      Refused: policy failed
    </Badge>
  );
}

const colors: Record<string, string> = {
  active: 'verdigris',
  up: 'verdigris',
  requested: 'ochre',
  suspended: 'madder',
  denied: 'madder',
  down: 'madder',
  high: 'madder',
  medium: 'ochre',
};

/** The state of a thing, in its own word. */
export function StateMark({ state }: { state: string }) {
  return <Badge color={colors[state] ?? 'gray'}>{state}</Badge>;
}
