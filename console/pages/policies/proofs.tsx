import { Alert, Badge, Button, Code, Group, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { ask } from '../../api/ask.ts';
import { askWithProgress } from '../../api/ask-with-progress.ts';
import { AnswerMark } from '../../parts/marks.tsx';
import { Panel } from '../../parts/page.tsx';
import { ProblemAlert } from '../../parts/problem-alert.tsx';
import { Words } from '../../parts/words.tsx';
import type { Draft } from './draft.ts';
import { factsOfRequest } from './facts-of-request.ts';
import type { Checked, Comparison, Direction, PolicyFinding, ProofRequest, ProofResult } from './proof-shapes.ts';

const outcomes = {
  holds: { color: 'verdigris', words: 'holds' },
  counterexample: { color: 'madder', words: 'broken' },
  undecided: { color: 'ochre', words: 'not decided' },
} as const;

function Example({ request, mark, by }: { request: ProofRequest; mark: ReactNode; by: readonly string[] }) {
  return (
    <div>
      <Text size="sm" component="div">
        This request is {mark}
        {by.length === 0 ? ', because no policy permits it.' : ' by '}
        {by.map((id, index) => (
          <span key={id}>
            {index > 0 && ', '}
            <Code>{id}</Code>
          </span>
        ))}
      </Text>
      <dl className="pairs">
        {factsOfRequest(request).map(({ name, value }) => (
          <div className="pair" key={`${name} ${value}`}>
            <dt className="mono">{name}</dt>
            <dd>
              <Code>{value}</Code>
            </dd>
          </div>
        ))}
      </dl>
      <Text size="xs" c="dimmed">
        Facts that are false, zero or empty are not shown.
      </Text>
    </div>
  );
}

function Gaps({ gaps }: { gaps: ProofResult['gaps'] }) {
  return (
    <ul className="dots">
      {(gaps ?? []).map((gap) => (
        <li key={`${gap.policy} ${gap.construct}`}>
          {gap.construct} in <Code>{gap.policy}</Code>{' '}
          <span className="dim">
            {gap.file}:{gap.line}
          </span>
        </li>
      ))}
    </ul>
  );
}

function Invariant({ result }: { result: ProofResult }) {
  const { color, words } = outcomes[result.outcome];
  const { counterexample } = result;
  return (
    <li>
      <div className="reach">
        <span>
          <Code>{result.id}</Code>{' '}
          <span className="dim">
            {result.kind}, {result.file}:{result.line}
          </span>
        </span>
        <Badge color={color}>{words}</Badge>
      </div>
      <Text size="sm">
        <Words>{result.description}</Words>
      </Text>
      {result.assumptions.length > 0 && (
        <Text size="sm" c="dimmed">
          Assuming {result.assumptions.join(', ')}.
        </Text>
      )}
      {result.isVacuous === true && <Text size="sm">It speaks of no request at all. Is a name misspelt?</Text>}
      {result.why !== undefined && <Text size="sm">{result.why}</Text>}
      <Gaps gaps={result.gaps} />
      {counterexample !== undefined && (
        <Example
          request={counterexample.request}
          mark={<AnswerMark answer={counterexample.decision} />}
          by={counterexample.policies}
        />
      )}
    </li>
  );
}

const verdicts = {
  equivalent: 'Every request is answered as now, whatever the facts.',
  'more-permissive': 'Some requests would be let in that are refused now, and none the other way.',
  'less-permissive': 'Some requests would be refused that are let in now, and none the other way.',
  both: 'Some requests would be let in that are refused now, and some refused that are let in now.',
  undecided: 'It could not be decided what changes.',
} as const;

function Way({ name, direction }: { name: string; direction: Direction }) {
  const { example } = direction;
  if (direction.kind === 'none') return null;
  return (
    <li>
      <strong>{name}</strong>
      {direction.why !== undefined && <Text size="sm">{direction.why}</Text>}
      <Gaps gaps={direction.gaps} />
      {example !== undefined && (
        <Example
          request={example.request}
          mark={<AnswerMark answer={example.after.decision} />}
          by={example.after.policies}
        />
      )}
    </li>
  );
}

const findingWords = {
  dead: 'never applies',
  shadowed: 'never lets anybody in: a forbid refuses all the same',
  redundant: 'changes no answer: others say the same',
  undecided: 'could not be decided',
} as const;

function Findings({ findings }: { findings: readonly PolicyFinding[] }) {
  if (findings.length === 0) return <Text size="sm">Every policy decides something.</Text>;
  return (
    <ul className="dots">
      {findings.map(({ id, kind, file, line }) => (
        <li key={id}>
          <Code>{id}</Code> {findingWords[kind]}{' '}
          <span className="dim">
            {file}:{line}
          </span>
        </li>
      ))}
    </ul>
  );
}

/** What the API found, or what it found wrong. An answer about other texts than the editor's says so. */
function Found<T>({ proof, draft, children }: { proof: Proof<T>; draft: Draft; children: (found: T) => ReactNode }) {
  const answer = proof.data;
  if (answer === undefined) return null;
  if (answer.found !== null) {
    return (
      <div role="status">
        {proof.variables !== draft && <Text size="sm">The policies changed since this was asked. Ask again.</Text>}
        {children(answer.found)}
      </div>
    );
  }
  const errors = answer.problems.filter(({ severity }) => severity === 'error');
  return (
    <Alert color="madder" title="Nothing was proved">
      {errors.map(({ file, line, message }) => (
        <div key={`${file}:${line}:${message}`}>
          {file}:{line}: {message}
        </div>
      ))}
    </Alert>
  );
}

type Proof<T> = Pick<ReturnType<typeof useProof<T>>, 'data' | 'variables'>;

/** A little more than the API takes before it gives up. */
const proofMsMax = 120_000;

function useProof<T>(
  path: string,
  bodyOf: (draft: Draft) => object = ({ schema, policies }) => ({ schema, policies }),
) {
  return useMutation({
    mutationFn: (draft: Draft) => ask<Checked<T>>(path, { method: 'POST', body: bodyOf(draft), timeoutMs: proofMsMax }),
  });
}

interface Progress {
  readonly done: number;
  readonly total: number;
}

/** Of many policies it takes minutes: says how far it is, and ends when the page does. */
function useAnalysis() {
  const [progress, setProgress] = useState<Progress | undefined>();
  const stop = useRef<AbortController | undefined>(undefined);
  useEffect(() => () => stop.current?.abort(), []);
  const analysed = useMutation({
    mutationFn: ({ schema, policies }: Draft) => {
      stop.current = new AbortController();
      setProgress(undefined);
      return askWithProgress<Progress, Checked<readonly PolicyFinding[]>>('/policies/analyse', {
        body: { schema, policies },
        onProgress: setProgress,
        signal: stop.current.signal,
      });
    },
  });
  return { analysed, progress: analysed.isPending ? progress : undefined };
}

interface ProofsProps {
  readonly draft: Draft;
  /** Do policies or schema of the draft differ from what is in force? */
  readonly isDirty: boolean;
}

/** Questions about all requests and facts, of the policies as they stand in the editor. */
export function Proofs({ draft, isDirty }: ProofsProps) {
  const { invariants } = draft;
  const proved = useProof<readonly ProofResult[]>('/policies/prove', ({ schema, policies, invariants: all }) => ({
    ...{ schema, policies, invariants: all },
  }));
  const compared = useProof<Comparison>('/policies/compare');
  const { analysed, progress } = useAnalysis();
  const isBusy = proved.isPending || compared.isPending || analysed.isPending;
  return (
    <Panel title="Proofs">
      <Stack>
        <Text size="sm" c="dimmed">
          Asked of every request there can be, whatever the facts; an example was put to the engine and is really
          answered so. It takes some seconds.
        </Text>
        <Group gap="xs">
          <Button
            size="xs"
            variant="default"
            loading={proved.isPending}
            disabled={isBusy || invariants.length === 0}
            onClick={() => proved.mutate(draft)}
          >
            Prove the invariants
          </Button>
          <Button
            size="xs"
            variant="default"
            loading={compared.isPending}
            disabled={isBusy || !isDirty}
            onClick={() => compared.mutate(draft)}
          >
            What do my changes change?
          </Button>
          <Button
            size="xs"
            variant="default"
            loading={analysed.isPending}
            disabled={isBusy}
            onClick={() => analysed.mutate(draft)}
          >
            Find policies that do nothing
          </Button>
        </Group>
        {progress !== undefined && (
          <Text size="sm" role="status">
            {progress.done} of {progress.total} policies looked at
          </Text>
        )}
        {invariants.length === 0 && (
          <Text size="sm">There are no invariants beside these policies: add a file that ends in .invariants.</Text>
        )}
        {[proved.error, compared.error, analysed.error].map((error) =>
          error === null ? null : <ProblemAlert key={error.message} error={error} />,
        )}
        <Found proof={proved} draft={draft}>
          {(results) => (
            <ul className="plain-list because">
              {results.map((result) => (
                <Invariant key={result.id} result={result} />
              ))}
            </ul>
          )}
        </Found>
        <Found proof={compared} draft={draft}>
          {({ verdict, gained, lost }) => (
            <>
              <Text size="sm">{verdicts[verdict]}</Text>
              <ul className="plain-list because">
                <Way name="Let in from now on, for example:" direction={gained} />
                <Way name="Refused from now on, for example:" direction={lost} />
              </ul>
            </>
          )}
        </Found>
        <Found proof={analysed} draft={draft}>
          {(findings) => <Findings findings={findings} />}
        </Found>
      </Stack>
    </Panel>
  );
}
