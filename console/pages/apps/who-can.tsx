import { SegmentedControl } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'react-router';
import { ask } from '../../api/ask.ts';
import { useForbidden } from '../../api/rights.ts';
import type { Explanation, Page, UserView } from '../../api/shapes.ts';
import { AnswerMark, answerWords } from '../../parts/marks.tsx';
import { Panel } from '../../parts/page.tsx';
import { Await, Empty } from '../../parts/states.tsx';

const peopleMax = 20;
const actions = ['read', 'write', 'delete', 'connect'] as const;

interface Reach {
  readonly rows: readonly { readonly user: UserView; readonly explanation: Explanation }[];
  readonly complete: boolean;
}

/** Asks the policy engine about each person, as if they had just signed in. */
async function askReach(resource: string, action: string, signal: AbortSignal): Promise<Reach> {
  const people = await ask<Page<UserView>>(`/users?status=active&limit=${peopleMax}`, { signal });
  const rows: { user: UserView; explanation: Explanation }[] = [];
  for (const user of people.items) {
    const body = { user: user.id, resource, action };
    rows.push({ user, explanation: await ask<Explanation>('/policies/explain', { method: 'POST', body, signal }) });
  }
  return { rows, complete: people.next === null };
}

/** Who can reach this app: the answer of the policies in force for each person. */
export function WhoCan({ resource }: { resource: string }) {
  const [action, setAction] = useState<string>('read');
  const refused = useForbidden('policy', 'read');
  const answer = useQuery({
    queryKey: ['policies', 'reach', resource, action],
    queryFn: ({ signal }) => askReach(resource, action, signal),
    staleTime: 30_000,
    enabled: refused === undefined,
  });
  return (
    <Panel
      title="Who can reach it"
      aside={<SegmentedControl size="xs" aria-label="Action" value={action} onChange={setAction} data={[...actions]} />}
    >
      {refused !== undefined ? (
        <Empty title="Not shown">{refused}</Empty>
      ) : (
        <Await answer={answer} what="who can reach it">
          {({ rows, complete }) => (
            <>
              <ul className="plain-list">
                {rows.map(({ user, explanation }) => (
                  <li key={user.id} className="reach">
                    <Link className="link" to={`/people/${encodeURIComponent(user.id)}`}>
                      {user.displayName || user.name}
                    </Link>
                    <Link
                      to={`/why?user=${encodeURIComponent(user.id)}&resource=${encodeURIComponent(resource)}&action=${action}`}
                      aria-label={`${answerWords[explanation.answer]}: why, for ${user.displayName || user.name}?`}
                    >
                      <AnswerMark answer={explanation.answer} />
                    </Link>
                  </li>
                ))}
              </ul>
              {!complete && (
                <p className="dim">
                  The first {peopleMax} people. Ask about anybody under <Link to="/why">Why?</Link>
                </p>
              )}
            </>
          )}
        </Await>
      )}
    </Panel>
  );
}
