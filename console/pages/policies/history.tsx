import { Badge, Button, Modal, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { ProblemError } from '../../api/problem.ts';
import { refresh, useAnswer } from '../../api/queries.ts';
import { useForbidden } from '../../api/rights.ts';
import type { PublicationSummary, PublicationView } from '../../api/shapes.ts';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { GuardedButton } from '../../parts/guarded-button.tsx';
import { StateMark } from '../../parts/marks.tsx';
import { Panel } from '../../parts/page.tsx';
import { Person } from '../../parts/person.tsx';
import { Rows } from '../../parts/rows.tsx';
import { Await, Empty } from '../../parts/states.tsx';
import { toast } from '../../parts/toast.ts';
import { When } from '../../parts/when.tsx';
import { DiffView } from './diff-view.tsx';
import { changesBetween, draftOf } from './draft.ts';
import { usePutInForce } from './put-in-force.tsx';
import { statesWords } from './stage-words.ts';

function Compare({ sequence, current, onClose }: { sequence: number; current: PublicationView; onClose: () => void }) {
  const answer = useAnswer<PublicationView>(`/policies/history/${sequence}`);
  return (
    <Modal
      opened
      onClose={onClose}
      size="xl"
      title={`What rolling back from no. ${current.sequence} to no. ${sequence} would change`}
    >
      <Await answer={answer} what="that publication">
        {(then) => <DiffView changes={changesBetween(draftOf(current), draftOf(then))} />}
      </Await>
    </Modal>
  );
}

/** The words of a publication, and what stands out in it: states, an override, a commit. */
function WhatAndWhy({ item }: { item: PublicationSummary }) {
  const { message, states, override, git } = item;
  return (
    <>
      {message || <span className="dim">no words</span>}
      {override !== null && (
        <span className="event-words">
          <Badge color="madder">override</Badge> although {override.gates.join(' and ')} failed: {override.reason}
        </span>
      )}
      {states.length > 0 && <span className="event-words">{statesWords(states)}</span>}
      {git !== null && (
        <span className="event-words">
          commit {git.commit.slice(0, 12)} by <bdi>{git.author}</bdi>
          {git.isDirty ? ', with changes that are not committed' : ''}
          {git.isStated ? ', as whoever published it says' : ''}
        </span>
      )}
    </>
  );
}

/** The way back. Invariants of today that do not hold then are told, and overridden by who may, with a reason. */
function RollBack({
  sequence,
  current,
  refused,
}: {
  sequence: number;
  current: PublicationView;
  refused: string | undefined;
}) {
  const [isOpen, setOpen] = useState(false);
  const [reason, setReason] = useState('');
  const mayOverride = useForbidden('policy-override') === undefined;
  const override = reason.trim();
  const { put, told } = usePutInForce();
  return (
    <>
      <GuardedButton
        variant="default"
        size="xs"
        refused={refused}
        aria-label={`Roll back to no. ${sequence}`}
        onPress={() => setOpen(true)}
      >
        Roll back
      </GuardedButton>
      <FormDialog
        title={`Roll back to no. ${sequence}?`}
        opened={isOpen}
        onClose={() => {
          setOpen(false);
          setReason('');
        }}
        submitLabel={override === '' ? 'Roll back' : 'Override and roll back'}
        onReload={() => void refresh('policies')}
        run={async () => {
          await put('/policies/rollback', {
            body: { sequence, ...(override === '' ? {} : { override }) },
            ifMatch: current.revision,
          });
          toast(`Policies no. ${sequence} hold again, under a new number.`);
          await refresh('policies', 'me');
        }}
        answer={(error) =>
          mayOverride &&
          (override !== '' || (error instanceof ProblemError && error.problem.code === 'gate-closed')) && (
            <TextInput
              label="Roll back all the same, because"
              description="It comes back with the tests and invariants it had. The reason stands in the history, and the journal has it at high severity."
              value={reason}
              onChange={(event) => setReason(event.currentTarget.value)}
              maxLength={500}
            />
          )
        }
      >
        {() => (
          <>
            <Text size="sm">
              What was published then holds again at once, under a new number, at every gateway. The invariants of today
              stay, and must hold of it; no test of today may be lost. Nothing of the history is lost.
            </Text>
            {told}
          </>
        )}
      </FormDialog>
    </>
  );
}

/** Every publication, newest first, and the way back to each. */
export function History({ current }: { current: PublicationView }) {
  const [compared, setCompared] = useState<number | null>(null);
  const refused = useForbidden('policy');
  const answer = useAnswer<{ items: readonly PublicationSummary[] }>('/policies/history');
  return (
    <Panel flush>
      <Await answer={answer} what="the history">
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No publication yet" />
          ) : (
            <Rows
              label="Publications"
              rows={items}
              keyOf={(item) => String(item.sequence)}
              columns={[
                {
                  head: 'No.',
                  cell: (item) => (
                    <span className="one-line">
                      {item.sequence} {item.sequence === current.sequence && <StateMark state="active" />}
                    </span>
                  ),
                },
                {
                  head: 'What and why',
                  wide: true,
                  cell: (item) => <WhatAndWhy item={item} />,
                },
                {
                  head: 'By',
                  cell: (item) => (
                    <div className="whole-words">
                      <Person id={item.author} />
                    </div>
                  ),
                },
                { head: 'When', cell: (item) => <When at={item.publishedAt} /> },
                { head: 'Files', cell: (item) => item.policyCount },
                {
                  head: 'Action',
                  align: 'end',
                  cell: (item) =>
                    item.sequence === current.sequence ? null : (
                      <>
                        <Button
                          size="xs"
                          variant="default"
                          onClick={() => setCompared(item.sequence)}
                          aria-label={`Compare with no. ${item.sequence}`}
                        >
                          Compare
                        </Button>
                        <RollBack sequence={item.sequence} current={current} refused={refused} />
                      </>
                    ),
                },
              ]}
            />
          )
        }
      </Await>
      {compared !== null && <Compare sequence={compared} current={current} onClose={() => setCompared(null)} />}
    </Panel>
  );
}
