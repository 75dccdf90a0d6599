import { Badge } from '@mantine/core';
import { IconAlertCircle, IconCheck, IconX } from '@tabler/icons-react';

/** What the mark of an answer says. */
export const answerWords = { allow: 'Allowed', deny: 'Refused', indeterminate: 'Refused: policy failed' } as const;

/** Allowed, refused or undecided, told by word, shape and colour. */
export function AnswerMark({ answer }: { answer: 'allow' | 'deny' | 'indeterminate' }) {
  if (answer === 'allow') {
    return (
      <Badge color="verdigris" leftSection={<IconCheck size={12} aria-hidden />}>
        {answerWords.allow}
      </Badge>
    );
  }
  if (answer === 'deny') {
    return (
      <Badge color="madder" leftSection={<IconX size={12} aria-hidden />}>
        {answerWords.deny}
      </Badge>
    );
  }
  return (
    <Badge color="ochre" leftSection={<IconAlertCircle size={12} aria-hidden />}>
      {answerWords.indeterminate}
    </Badge>
  );
}

const colors: Record<string, string> = {
  active: 'verdigris',
  up: 'verdigris',
  signing: 'verdigris',
  announced: 'ochre',
  requested: 'ochre',
  invited: 'ochre',
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
