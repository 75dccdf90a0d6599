import { Button, SegmentedControl } from '@mantine/core';
import { useState } from 'react';
import { Link } from 'react-router';
import { useList } from '../../api/queries.ts';
import { useForbidden } from '../../api/rights.ts';
import type { ReachPage, ReachRow } from '../../api/shapes.ts';
import { AnswerMark, answerWords } from '../../parts/marks.tsx';
import { Panel } from '../../parts/page.tsx';
import { Await, Empty } from '../../parts/states.tsx';

const actions = ['read', 'write', 'delete', 'connect'] as const;

/** The deciding policies of one answer, in their authors' words where there are some. */
function Because({ reasons, policies }: { reasons: readonly string[]; policies: ReachPage['policies'] }) {
  if (reasons.length === 0) return <span className="reach-because">no policy permits it</span>;
  const words = reasons.map((id) => policies.find((policy) => policy.id === id)?.description || id);
  return <span className="reach-because">{words.join(' ')}</span>;
}

interface RowProps {
  readonly row: ReachRow;
  readonly action: string;
  readonly resource: string;
  readonly policies: ReachPage['policies'];
}

function PersonRow({ row, action, resource, policies }: RowProps) {
  const found = row.actions.find((each) => each.action === action);
  if (found === undefined) return null;
  const name = row.displayName || row.name;
  return (
    <li className="reach">
      <span>
        <Link className="link" to={`/people/${encodeURIComponent(row.user)}`}>
          {name}
        </Link>
        {row.basis === 'sign-in' && <span className="dim"> after signing in</span>}
        <Because reasons={found.reasons} policies={policies} />
      </span>
      <Link
        className="reach-answer"
        to={`/why?user=${encodeURIComponent(row.user)}&resource=${encodeURIComponent(resource)}&action=${action}`}
        aria-label={`${answerWords[found.answer]}: why, for ${name}?`}
      >
        <AnswerMark answer={found.answer} />
      </Link>
    </li>
  );
}

/** Who can reach this app: the answer of the policies in force for each person, and for those who do not sign in. */
export function WhoCan({ resource }: { resource: string }) {
  const [action, setAction] = useState<string>('read');
  const refusedPolicy = useForbidden('policy', 'read');
  const refusedUser = useForbidden('user', 'read');
  const refused = refusedPolicy ?? refusedUser;
  return (
    <Panel
      title="Who can reach it"
      aside={<SegmentedControl size="xs" aria-label="Action" value={action} onChange={setAction} data={[...actions]} />}
    >
      {refused === undefined ? (
        <Answers resource={resource} action={action} />
      ) : (
        <Empty title="Not shown">{refused}</Empty>
      )}
    </Panel>
  );
}

function Answers({ resource, action }: { resource: string; action: string }) {
  const reach = useList<ReachRow, ReachPage>(`/resources/${encodeURIComponent(resource)}/reach`);
  const pages = reach.data?.pages ?? [];
  const policies = pages.flatMap((page) => page.policies);
  const stranger = pages[0]?.strangers.find((each) => each.action === action);
  return (
    <Await answer={{ ...reach, data: reach.items }} what="who can reach it">
      {(rows) => (
        <>
          <ul className="plain-list">
            {stranger !== undefined && (
              <li className="reach">
                <span>
                  Anybody, without signing in
                  <Because reasons={stranger.reasons} policies={policies} />
                </span>
                <span className="reach-answer">
                  <AnswerMark answer={stranger.answer} />
                </span>
              </li>
            )}
            {rows.map((row) => (
              <PersonRow key={row.user} row={row} action={action} resource={resource} policies={policies} />
            ))}
          </ul>
          {reach.hasNextPage && (
            <div className="more">
              <Button
                variant="default"
                size="xs"
                loading={reach.isFetchingNextPage}
                onClick={() => void reach.fetchNextPage()}
              >
                Show more
              </Button>
            </div>
          )}
        </>
      )}
    </Await>
  );
}
