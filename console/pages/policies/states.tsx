import { Badge, SegmentedControl, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { Link } from 'react-router';
import { refresh, useAnswer, useList } from '../../api/queries.ts';
import { useForbidden } from '../../api/rights.ts';
import type { PolicyErrors, PublicationView, ShadowCounts, StatedPolicy } from '../../api/shapes.ts';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { GuardedButton } from '../../parts/guarded-button.tsx';
import { Panel } from '../../parts/page.tsx';
import { Rows } from '../../parts/rows.tsx';
import { Await, Empty } from '../../parts/states.tsx';
import { toast } from '../../parts/toast.ts';
import { usePutInForce } from './put-in-force.tsx';
import { readStage, stageWords } from './stage-words.ts';

const colors = { enforced: 'verdigris', staged: 'ochre', shadow: 'gray' } as const;

type StageKind = 'percent' | 'segments' | 'groups';
const stageFields: Record<StageKind, { label: string; description: string; placeholder: string }> = {
  percent: {
    label: 'Share of subjects in percent',
    description: 'The same subjects each time; a larger share holds the smaller one.',
    placeholder: '25',
  },
  segments: { label: 'Segments', description: 'Names, joined by commas.', placeholder: 'pci, internal' },
  groups: { label: 'Groups', description: 'Names, joined by commas.', placeholder: 'ops, dev' },
};

function stageText({ stage }: StatedPolicy): { kind: StageKind; text: string } {
  if (stage === null) return { kind: 'percent', text: '' };
  if ('percent' in stage) return { kind: 'percent', text: String(stage.percent) };
  return 'segments' in stage
    ? { kind: 'segments', text: stage.segments.join(', ') }
    : { kind: 'groups', text: stage.groups.join(', ') };
}

/** Says for whom a policy shall be in force. */
function StateDialog({
  policy,
  current,
  onClose,
}: {
  policy: StatedPolicy;
  current: PublicationView;
  onClose: () => void;
}) {
  const before = stageText(policy);
  const [state, setState] = useState(policy.state);
  const [kind, setKind] = useState(before.kind);
  const [text, setText] = useState(before.text);
  const [message, setMessage] = useState('');
  const { put, told } = usePutInForce();
  const stage = readStage(kind, text);
  const change =
    state === 'staged' ? (stage === undefined ? undefined : { id: policy.id, state, stage }) : { id: policy.id, state };
  const field = stageFields[kind];
  return (
    <FormDialog
      title={`State of ${policy.id}`}
      opened
      onClose={onClose}
      submitLabel="Change state"
      canSubmit={change !== undefined}
      onReload={() => void refresh('policies')}
      run={async () => {
        const words = message.trim();
        await put('/policies/states', {
          body: { changes: [change], ...(words === '' ? {} : { message: words }) },
          ifMatch: current.revision,
        });
        await refresh('policies', 'me');
        toast(`${policy.id} is ${state} now.`);
      }}
    >
      {() => (
        <>
          <SegmentedControl
            aria-label="State"
            data={['enforced', 'staged', 'shadow']}
            value={state}
            onChange={(next) => setState(next as StatedPolicy['state'])}
          />
          <Text size="sm" c="dimmed">
            {state === 'enforced'
              ? 'In force for everyone, at once.'
              : state === 'shadow'
                ? 'In force for nobody. It is evaluated, and the journal tells what it would have changed.'
                : 'In force for a part, and in shadow for the rest.'}
          </Text>
          {state === 'staged' && (
            <>
              <SegmentedControl
                aria-label="Staged for"
                data={['percent', 'segments', 'groups']}
                value={kind}
                onChange={(next) => {
                  setKind(next as StageKind);
                  setText('');
                }}
              />
              <TextInput
                label={field.label}
                description={field.description}
                placeholder={field.placeholder}
                value={text}
                onChange={(event) => setText(event.currentTarget.value)}
                error={text !== '' && stage === undefined ? 'This is none.' : undefined}
                required
              />
            </>
          )}
          <TextInput
            label="Why"
            description="Stands in the history."
            value={message}
            onChange={(event) => setMessage(event.currentTarget.value)}
            maxLength={500}
          />
          {told}
        </>
      )}
    </FormDialog>
  );
}

function ShadowCell({ policy, counts }: { policy: StatedPolicy; counts: ShadowCounts | undefined }) {
  if (policy.state === 'enforced') return <span className="dim">in force</span>;
  const count = counts?.items.find((each) => each.policy === policy.id);
  if (counts === undefined) return <span className="dim">being counted</span>;
  if (count === undefined) return <span>would have changed nothing</span>;
  const parts = [
    ...(count.deny > 0 ? [`refused ${count.deny}`] : []),
    ...(count.allow > 0 ? [`let in ${count.allow}`] : []),
  ];
  return (
    <>
      would have {parts.join(', ')}
      {counts.isComplete ? '' : ' or more'}{' '}
      <Link to={`/why?event=${encodeURIComponent(count.example)}`} className="quiet-link">
        for example
      </Link>
    </>
  );
}

/** A policy that fails is skipped, and a `forbid` that does refuses what others permit: either is for its author to mend. */
function ErrorCell({ policy, errors }: { policy: StatedPolicy; errors: PolicyErrors | undefined }) {
  const found = errors?.items.find((each) => each.policy === policy.id);
  if (errors === undefined || found === undefined) return null;
  const { times, refused, message, example } = found;
  return (
    <span className="event-words">
      <Badge color="madder">failed</Badge> {times === 1 ? 'once' : `${times} times`}
      {errors.isComplete ? '' : ' or more'}
      {refused > 0 ? `, and ${times === 1 ? 'the request was' : `${refused} requests were`} refused for it` : ''}
      {message === null ? '' : `: ${message}`}{' '}
      {example !== null && (
        <Link to={`/why?event=${encodeURIComponent(example)}`} className="quiet-link">
          for example
        </Link>
      )}
    </span>
  );
}

/** Every policy with its state, and what those that are not in force would have changed. */
export function States({ current }: { current: PublicationView }) {
  const [chosen, setChosen] = useState<StatedPolicy | null>(null);
  const refused = useForbidden('policy');
  const list = useList<StatedPolicy>('/policies/states');
  const counts = useAnswer<ShadowCounts>(current.states.length === 0 ? undefined : '/policies/shadow', {
    refetchMs: 60_000,
  });
  const errors = useAnswer<PolicyErrors>('/policies/errors', { refetchMs: 60_000 });
  return (
    <Stack>
      <Text size="sm" c="dimmed">
        A new policy can run in shadow first: it is judged with every request and changes no answer. Then put it in
        force for a part, and at last for everyone.
      </Text>
      <Panel flush>
        <Await answer={{ ...list, data: list.items }} what="the policies">
          {(items) =>
            items.length === 0 ? (
              <Empty title="No policy is in force" />
            ) : (
              <Rows
                label="States of policies"
                rows={items}
                keyOf={(policy) => policy.id}
                more={list}
                columns={[
                  {
                    head: 'Policy',
                    wide: true,
                    cell: (policy) => (
                      <>
                        <strong>{policy.id}</strong>
                        <span className="event-words">{policy.description}</span>
                      </>
                    ),
                  },
                  { head: 'Effect', cell: (policy) => policy.effect },
                  {
                    head: 'State',
                    cell: (policy) => (
                      <>
                        <Badge color={colors[policy.state]}>{policy.state}</Badge>
                        {policy.stage !== null && <span className="event-words">{stageWords(policy.stage)}</span>}
                      </>
                    ),
                  },
                  {
                    head: 'Last day',
                    cell: (policy) => (
                      <>
                        <ShadowCell policy={policy} counts={counts.data} />
                        <ErrorCell policy={policy} errors={errors.data} />
                      </>
                    ),
                  },
                  {
                    head: 'Action',
                    align: 'end',
                    cell: (policy) => (
                      <GuardedButton
                        size="xs"
                        variant="default"
                        refused={refused}
                        aria-label={`Change the state of ${policy.id}`}
                        onPress={() => setChosen(policy)}
                      >
                        Change
                      </GuardedButton>
                    ),
                  },
                ]}
              />
            )
          }
        </Await>
      </Panel>
      {chosen !== null && <StateDialog policy={chosen} current={current} onClose={() => setChosen(null)} />}
    </Stack>
  );
}
