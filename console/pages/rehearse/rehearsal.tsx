import { Badge, Button, Code, NativeSelect, Text, Title } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { Link } from 'react-router';
import type { RehearsalProgress, RehearsalReport } from '#foundation/model';
import { askWithProgress } from '../../api/ask-with-progress.ts';
import { ProblemAlert } from '../../parts/problem-alert.tsx';
import { Rows } from '../../parts/rows.tsx';

const dayMs = 24 * 3_600_000;
const spans = [
  { value: String(dayMs), label: 'the last day' },
  { value: String(7 * dayMs), label: 'the last 7 days' },
  { value: String(30 * dayMs), label: 'the last 30 days' },
];
const shownMax = 50;

interface Draft {
  readonly schema?: string;
  readonly policies: readonly { readonly file: string; readonly text: string }[];
}

/** Before publishing: what recorded decisions would have been under the draft, beside what they were. */
export function Rehearsal({ draft }: { draft: Draft }) {
  const [span, setSpan] = useState(String(7 * dayMs));
  const [progress, setProgress] = useState<RehearsalProgress | null>(null);
  const stop = useRef<AbortController | null>(null);
  useEffect(() => () => stop.current?.abort(), []);
  const run = useMutation({
    mutationFn: () => {
      stop.current?.abort();
      stop.current = new AbortController();
      setProgress(null);
      const { schema, policies } = draft;
      const body = { ...(schema === undefined ? {} : { schema }), policies, since: Date.now() - Number(span) };
      return askWithProgress<RehearsalProgress, RehearsalReport>('/policies/simulate', {
        body,
        onProgress: setProgress,
        signal: stop.current.signal,
      });
    },
  });
  return (
    <section aria-label="Rehearsal">
      <div className="toolbar">
        <NativeSelect
          aria-label="Of which time"
          value={span}
          onChange={(event) => setSpan(event.currentTarget.value)}
          data={spans}
        />
        <Button variant="default" loading={run.isPending} onClick={() => run.mutate()}>
          Rehearse on recorded decisions
        </Button>
        {run.isPending && progress !== null && (
          <Text size="sm" role="status">
            {progress.replayed} decisions replayed
          </Text>
        )}
      </div>
      {run.error !== null && <ProblemAlert error={run.error} />}
      {run.data !== undefined && <Report report={run.data} />}
    </section>
  );
}

const subjects = (count: number) => (count === 1 ? '1 subject' : `${count} subjects`);

function Report({ report }: { report: RehearsalReport }) {
  const { gained, lost, same, replayed, groups, approximations, durationMs } = report;
  return (
    <div role="status">
      <Title order={3}>
        {gained.decisions + lost.decisions === 0 ? 'Nothing would have changed' : 'What would have changed'}
      </Title>
      <Text size="sm">
        Of {replayed} decisions {same} stay as they were; {gained.decisions} (of {subjects(gained.subjects)}) would be
        allowed that were refused, and {lost.decisions} (of {subjects(lost.subjects)}) refused that were allowed.
      </Text>
      {groups.length > 0 && (
        <Rows
          label="Changed decisions"
          rows={groups.slice(0, shownMax)}
          keyOf={(each) =>
            JSON.stringify([each.change, each.subject, each.resource, each.action, each.route, each.before, each.after])
          }
          columns={[
            {
              head: 'Change',
              cell: ({ change }) => (
                <Badge color={change === 'gained' ? 'verdigris' : 'madder'}>
                  {change === 'gained' ? 'gains' : 'loses'}
                </Badge>
              ),
            },
            {
              head: 'Who',
              cell: ({ subject }) => (subject.kind === 'stranger' ? 'Anybody' : subject.name || subject.id),
            },
            {
              head: 'What',
              cell: ({ action, resource, route }) => `${action} ${resource}${route === 'default' ? '' : ` (${route})`}`,
            },
            { head: 'Times', align: 'end', cell: ({ count }) => count },
            { head: 'By then', cell: ({ before }) => before.join(', ') || <span className="dim">no policy</span> },
            { head: 'By the draft', cell: ({ after }) => after.join(', ') || <span className="dim">no policy</span> },
            {
              head: 'Example',
              cell: ({ examples: [example = ''] }) => (
                <Link
                  className="link"
                  to={`/why?event=${encodeURIComponent(example)}`}
                  aria-label={`Why was ${example} decided so?`}
                >
                  <Code>{example.slice(0, 8)}</Code>
                </Link>
              ),
            },
          ]}
        />
      )}
      {groups.length > shownMax && (
        <Text size="sm">
          The {shownMax} largest groups of {groups.length} are shown.
        </Text>
      )}
      {approximations.map((words) => (
        <Text key={words} size="xs" c="dimmed">
          {words}
        </Text>
      ))}
      <Text size="xs" c="dimmed">
        Replayed in {(durationMs / 1000).toFixed(1)} s, each by the facts of its own time.
      </Text>
    </div>
  );
}
