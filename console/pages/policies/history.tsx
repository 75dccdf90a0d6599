import { Badge, Button, Modal } from '@mantine/core';
import { useState } from 'react';
import { ask } from '../../api/ask.ts';
import { refresh, useAnswer } from '../../api/queries.ts';
import { useForbidden } from '../../api/rights.ts';
import type { PublicationSummary, PublicationView } from '../../api/shapes.ts';
import { Confirm } from '../../parts/confirm.tsx';
import { StateMark } from '../../parts/marks.tsx';
import { Panel } from '../../parts/page.tsx';
import { Person } from '../../parts/person.tsx';
import { Rows } from '../../parts/rows.tsx';
import { Await, Empty } from '../../parts/states.tsx';
import { When } from '../../parts/when.tsx';
import { DiffView } from './diff-view.tsx';
import { changesBetween, draftOf } from './draft.ts';
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
          commit {git.commit.slice(0, 12)} by {git.author}
          {git.isDirty ? ', with changes that are not committed' : ''}
          {git.isStated ? ', as whoever published it says' : ''}
        </span>
      )}
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
                    <>
                      {item.sequence} {item.sequence === current.sequence && <StateMark state="active" />}
                    </>
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
                        <Confirm
                          label="Roll back"
                          ariaLabel={`Roll back to no. ${item.sequence}`}
                          title={`Roll back to no. ${item.sequence}?`}
                          refused={refused}
                          run={async () => {
                            await ask('/policies/rollback', {
                              method: 'POST',
                              body: { sequence: item.sequence },
                              ifMatch: current.revision,
                            });
                            await refresh('policies', 'me');
                          }}
                          onReload={() => void refresh('policies')}
                          done={`Policies no. ${item.sequence} hold again, under a new number.`}
                        >
                          What was published then holds again at once, under a new number, at every gateway. Nothing of
                          the history is lost.
                        </Confirm>
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
