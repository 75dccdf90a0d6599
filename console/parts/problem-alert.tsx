import { Alert, Button, Code, Group, Stack, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { Link } from 'react-router';
import { ProblemError } from '../api/problem.ts';
import { Words } from './words.tsx';

/**
 * An RFC 9457 problem in words: what failed, why in the policy author's words, what would change it, and the id that
 * finds the event. `onReload` is offered when the thing changed meanwhile (412) or when there was no answer.
 */
export function ProblemAlert({ error, onReload }: { error: unknown; onReload?: () => void }) {
  const problem = error instanceof ProblemError ? error.problem : undefined;
  const title = problem?.code === 'gate-closed' ? 'A gate is closed' : (problem?.title ?? 'The console failed');
  // Where mistakes are listed, the detail repeats the first of them.
  const isListed = problem !== undefined && (problem.errors ?? []).length > 0;
  const detail = isListed ? undefined : (problem?.detail ?? (error instanceof Error ? error.message : undefined));
  const changed = problem?.status === 412 || problem?.code === 'conflict';
  // Looking again changes nothing about a request that was refused for what it asks.
  const isWorthAgain = problem === undefined || problem.status === 0 || problem.status === 429 || problem.status >= 500;
  return (
    <Alert color="madder" role="alert" icon={<IconAlertTriangle aria-hidden />} title={title}>
      <Stack gap="xs">
        {detail !== undefined && detail !== title && (
          <Text size="sm">
            <Words>{detail}</Words>
          </Text>
        )}
        {changed && (
          <Text size="sm">Somebody else saved first. Reload to see theirs, then make your change again.</Text>
        )}
        {(problem?.words ?? []).map((words) => (
          <Text size="sm" key={words}>
            <Words>{words}</Words>
          </Text>
        ))}
        {isListed && (
          <ul className="plain-list">
            {problem.errors?.map(({ path, message }) => (
              <li key={`${path} ${message}`}>
                {path !== '' && <Code>{path}</Code>} <Words>{message}</Words>
              </li>
            ))}
          </ul>
        )}
        {(problem?.remedies ?? []).map(({ kind, words }) => (
          <Text size="sm" key={kind}>
            What would change it: {words}
          </Text>
        ))}
        <Group gap="sm">
          {onReload !== undefined && (changed || isWorthAgain) && (
            <Button size="compact-sm" variant="default" onClick={onReload}>
              {changed ? 'Reload' : 'Try again'}
            </Button>
          )}
          {problem?.correlationId !== undefined && (
            <Text size="xs" c="dimmed">
              Correlation id{' '}
              <Link to={`/why?event=${encodeURIComponent(problem.correlationId)}`} className="quiet-link">
                <Code>{problem.correlationId}</Code>
              </Link>
            </Text>
          )}
        </Group>
      </Stack>
    </Alert>
  );
}
