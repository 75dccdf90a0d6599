import { Alert, Badge, Button, Code, Stack, Text } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { ask } from '../../api/ask.ts';
import type { PublicationView, TestedPolicies } from '../../api/shapes.ts';
import { Panel } from '../../parts/page.tsx';
import { ProblemAlert } from '../../parts/problem-alert.tsx';
import { Rows } from '../../parts/rows.tsx';
import { Await, Empty } from '../../parts/states.tsx';
import { Words } from '../../parts/words.tsx';
import type { Draft } from './draft.ts';

type Report = NonNullable<TestedPolicies['report']>;
type Gap = Report['coverage']['policies'][number]['gaps'][number];

function GapWords({ gap }: { gap: Gap }) {
  if (gap.kind === 'policy') return <>No test satisfies it.</>;
  return (
    <>
      {gap.kind === 'clause' ? `The ${gap.clause}` : `In the ${gap.clause}`}: <Code>{gap.text}</Code> was never{' '}
      {gap.never.join(' nor ')}.
    </>
  );
}

function Results({ report }: { report: Report }) {
  const { coverage, results, passed, failed } = report;
  const uncovered = coverage.policies.filter(({ gaps }) => gaps.length > 0);
  return (
    <Stack>
      <p role="status">
        <Badge color={failed === 0 ? 'verdigris' : 'madder'}>
          {passed} passed, {failed} failed
        </Badge>{' '}
        <Badge color={coverage.percent === 100 ? 'verdigris' : 'ochre'}>{coverage.percent}% covered</Badge>{' '}
        <span className="dim">
          {coverage.shown} of {coverage.outcomes} outcomes of policies and their conditions are shown by a test
        </span>
      </p>
      {uncovered.length > 0 && (
        <Panel title="What no test shows">
          <ul className="plain-list">
            {uncovered.map(({ id, file, line, gaps }) => (
              <li key={id}>
                <strong>{id}</strong>{' '}
                <span className="dim">
                  {file}:{line}
                </span>
                <ul>
                  {gaps.map((gap) => (
                    <li key={`${gap.clause} ${gap.kind} ${gap.text}`}>
                      <GapWords gap={gap} />
                    </li>
                  ))}
                </ul>
              </li>
            ))}
          </ul>
        </Panel>
      )}
      <Panel flush>
        <Rows
          label="Tests"
          rows={results}
          keyOf={({ file, line }) => `${file}:${line}`}
          columns={[
            {
              head: 'Test',
              wide: true,
              cell: ({ name, words }) => (
                <>
                  {name}
                  {words.map((each) => (
                    <span key={each} className="event-words">
                      <Words>{each}</Words>
                    </span>
                  ))}
                </>
              ),
            },
            { head: 'Place', cell: ({ file, line }) => `${file}:${line}` },
            {
              head: 'Result',
              cell: (each) => (
                <Badge color={each.passed ? 'verdigris' : 'madder'}>{each.passed ? 'passed' : 'failed'}</Badge>
              ),
            },
          ]}
        />
      </Panel>
    </Stack>
  );
}

/** What came of running tests, or why they could not be run. */
function Tested({ tested: { report, failures } }: { tested: TestedPolicies }) {
  if (report !== null) return <Results report={report} />;
  return (
    <Alert color="madder" title="The tests cannot be run">
      {failures.map((words) => (
        <Text size="sm" key={words}>
          {words}
        </Text>
      ))}
      {failures.length === 0 && <Text size="sm">Mend the policies first.</Text>}
    </Alert>
  );
}

const testMsMax = 90_000;

/** The tests of the set in the editor, run when somebody asks. */
export function DraftTests({ draft }: { draft: Draft }) {
  const tested = useMutation({
    mutationFn: ({ schema, policies, tests }: Draft) =>
      ask<TestedPolicies>('/policies/test', {
        method: 'POST',
        body: { schema, policies, tests },
        timeoutMs: testMsMax,
      }),
  });
  return (
    <Panel title="Tests">
      <Stack>
        <Text size="sm" c="dimmed">
          Requests with the answers a door shall give, judged by the policies as they stand in the editor.
        </Text>
        <div>
          <Button
            size="xs"
            variant="default"
            loading={tested.isPending}
            disabled={draft.tests.length === 0}
            onClick={() => tested.mutate(draft)}
          >
            Run the tests
          </Button>
        </div>
        {draft.tests.length === 0 && (
          <Text size="sm">There are no tests beside these policies: add a file that ends in .test.yaml.</Text>
        )}
        {tested.error !== null && <ProblemAlert error={tested.error} />}
        {tested.data !== undefined && (
          <>
            {tested.variables !== draft && (
              <Text size="sm">The set changed since the tests were run. Run them again.</Text>
            )}
            <Tested tested={tested.data} />
          </>
        )}
      </Stack>
    </Panel>
  );
}

/** The tests that were published with the policies, run now, and what they do not cover. */
export function Tests({ current }: { current: PublicationView }) {
  const answer = useQuery({
    queryKey: ['policies', 'test', current.revision],
    queryFn: ({ signal }) =>
      ask<TestedPolicies>('/policies/test', { method: 'POST', body: {}, signal, timeoutMs: testMsMax }),
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (current.tests.length === 0) {
    return (
      <Empty title="No tests are published">
        Add a file that ends in <Code>.test.yaml</Code> under Policies, or publish a folder that holds some:{' '}
        <Code>bin/nullius policy publish policies -m "why"</Code>.
      </Empty>
    );
  }
  return (
    <Await answer={answer} what="the results of the tests">
      {(tested) => <Tested tested={tested} />}
    </Await>
  );
}
