import { Badge, NativeSelect, SegmentedControl, Select, Text } from '@mantine/core';
import { Link, useSearchParams } from 'react-router';
import type { AccessBasis, AccessPage, WhatAnswer, WhatItem, WhoItem } from '#foundation/model';
import { useList } from '../../api/queries.ts';
import type { ResourceView, UserView } from '../../api/shapes.ts';
import { AnswerMark } from '../../parts/marks.tsx';
import { Page, Panel } from '../../parts/page.tsx';
import { Rows } from '../../parts/rows.tsx';
import { Await, Empty } from '../../parts/states.tsx';
import { exactTime } from '../../time/relative.ts';
import { type ReverseQuestion, reverseQuestionIn } from './reverse-question.ts';

const controlResource = 'Service::"control"';
const appActions = ['read', 'write', 'delete', 'connect'];
const basisWords: Readonly<Record<AccessBasis, string>> = {
  session: 'their newest session',
  'sign-in': 'as if just signed in',
  stranger: 'not signed in',
  token: 'its scopes and its owner',
  operator: 'the local socket',
};

function Counts({ page }: { page: AccessPage<unknown> | undefined }) {
  if (page === undefined) return null;
  const { counts, judgedAt, policySequence, factRevision } = page;
  return (
    <Text size="xs" c="dimmed" role="status">
      {counts.allow} allowed, {counts.deny} refused
      {counts.indeterminate > 0 && `, ${counts.indeterminate} could not be judged`}. Judged at {exactTime(judgedAt)} by
      policies no. {policySequence} and facts at revision {factRevision}.
    </Text>
  );
}

const subjectName = ({ kind, name, displayName, id, owner }: WhoItem) => {
  if (kind === 'stranger') return 'Anybody, without signing in';
  if (kind === 'operator') return 'The operator of this machine';
  if (kind === 'token') return `Token ${name || id} of ${owner?.type ?? ''} ${owner?.id ?? ''}`;
  return displayName || name;
};

function whyLink(question: Extract<ReverseQuestion, { ask: 'who' }>, { kind, id }: WhoItem): string {
  const search = new URLSearchParams({ resource: question.resource, action: question.action });
  if (question.route !== '') search.set('route', question.route);
  if (kind === 'user' || kind === 'token') search.set(kind, id);
  else search.set('who', kind);
  return `/why?${search}`;
}

function WhoCan({ question }: { question: Extract<ReverseQuestion, { ask: 'who' }> }) {
  const { ask: _ask, ...query } = question;
  const found = useList<WhoItem, AccessPage<WhoItem>>('/policies/who-can', query);
  return (
    <Await answer={{ ...found, data: found.items }} what="who can">
      {(items) => (
        <>
          <Counts page={found.data?.pages[0]} />
          {items.length === 0 ? (
            <Empty title="Nobody">No person, token or stranger has this answer.</Empty>
          ) : (
            <Rows
              label="Who can"
              rows={items}
              keyOf={(each) => `${each.kind} ${each.id}`}
              more={found}
              columns={[
                {
                  head: 'Who',
                  cell: (each) =>
                    each.kind === 'user' ? (
                      <Link className="link" to={`/people/${encodeURIComponent(each.id)}`}>
                        {subjectName(each)}
                      </Link>
                    ) : (
                      subjectName(each)
                    ),
                },
                { head: 'Answer', cell: (each) => <AnswerMark answer={each.answer} /> },
                {
                  head: 'Judged by',
                  cell: (each) => <span className="dim">{basisWords[each.basis] ?? each.basis}</span>,
                },
                {
                  head: 'Policies',
                  cell: (each) => each.reasons.join(', ') || <span className="dim">none permits it</span>,
                },
                {
                  head: 'Why',
                  cell: (each) => (
                    <Link className="link" to={whyLink(question, each)} aria-label={`Why, for ${subjectName(each)}?`}>
                      Why
                    </Link>
                  ),
                },
              ]}
            />
          )}
        </>
      )}
    </Await>
  );
}

function WhatCan({ question }: { question: Extract<ReverseQuestion, { ask: 'what' }> }) {
  const { ask: _ask, ...query } = question;
  const found = useList<WhatItem, WhatAnswer>('/policies/what-can', query);
  return (
    <Await answer={{ ...found, data: found.items }} what="what they can do">
      {(items) => (
        <>
          <Counts page={found.data?.pages[0]} />
          {items.length === 0 ? (
            <Empty title="Nothing">No app and no part of the administration has this answer.</Empty>
          ) : (
            <Rows
              label="What they can do"
              rows={items}
              keyOf={(each) => `${each.resource} ${each.parts.join(' ')}`}
              more={found}
              columns={[
                {
                  head: 'What',
                  cell: (each) => (each.resource === controlResource ? 'Administration' : each.resource),
                },
                { head: 'Routes', cell: (each) => <span className="dim">{each.parts.join(', ')}</span> },
                {
                  head: 'Actions',
                  wide: true,
                  cell: (each) => (
                    <span className="marks">
                      {each.actions
                        .filter(({ answer }) => question.answer === 'any' || answer === question.answer)
                        .map(({ action, answer, reasons }) =>
                          each.resource === controlResource ? (
                            <Badge key={action} color={answer === 'allow' ? 'verdigris' : 'madder'}>
                              {action}
                            </Badge>
                          ) : (
                            <Link
                              key={action}
                              to={`/why?user=${encodeURIComponent(question.user)}&resource=${encodeURIComponent(each.resource)}&action=${action}&route=${encodeURIComponent(each.parts[0] ?? '')}`}
                              aria-label={`${action}: ${answer}, by ${reasons.join(', ') || 'no policy'}. Why?`}
                            >
                              <Badge color={answer === 'allow' ? 'verdigris' : 'madder'}>{action}</Badge>
                            </Link>
                          ),
                        )}
                    </span>
                  ),
                },
                {
                  head: 'Policies',
                  cell: (each) => [...new Set(each.actions.flatMap(({ reasons }) => reasons))].join(', '),
                },
              ]}
            />
          )}
        </>
      )}
    </Await>
  );
}

/** Questions asked backwards: who can do this, and what can they do. All of it stands in the address, so it can be shared. */
export function ReversePage() {
  const [search, setSearch] = useSearchParams();
  const question = reverseQuestionIn(search);
  const people = useList<UserView>('/users', { limit: 200 });
  const apps = useList<ResourceView>('/resources', { limit: 200 });
  const isWhat = search.get('ask') === 'what';
  const set = (name: string, value: string | null) =>
    setSearch((before) => {
      const next = new URLSearchParams(before);
      if (value === null || value === '') next.delete(name);
      else next.set(name, value);
      return next;
    });
  return (
    <Page
      title="Who can?"
      lead="Everybody is judged by the policies in force, as the gateway would judge them now. The address of this page holds the question: share it."
    >
      <Panel>
        <div className="toolbar">
          <SegmentedControl
            aria-label="Question"
            value={isWhat ? 'what' : 'who'}
            onChange={(value) => set('ask', value)}
            data={[
              { value: 'who', label: 'Who can do this' },
              { value: 'what', label: 'What can they do' },
            ]}
          />
          {isWhat ? (
            <Select
              aria-label="Person"
              placeholder="Person"
              searchable
              value={search.get('user')}
              onChange={(value) => set('user', value)}
              data={(people.items ?? []).map((each) => ({ value: each.id, label: each.displayName || each.name }))}
            />
          ) : (
            <>
              <NativeSelect
                aria-label="Action"
                value={search.get('action') ?? 'read'}
                onChange={(event) => set('action', event.currentTarget.value)}
                data={appActions}
              />
              <Select
                aria-label="App"
                placeholder="App"
                searchable
                value={search.get('resource')}
                onChange={(value) => set('resource', value)}
                data={(apps.items ?? []).map((each) => ({ value: each.id, label: each.displayName || each.id }))}
              />
            </>
          )}
          <NativeSelect
            aria-label="Answer"
            value={search.get('answer') ?? 'allow'}
            onChange={(event) => set('answer', event.currentTarget.value)}
            data={[
              { value: 'allow', label: 'allowed' },
              { value: 'deny', label: 'refused' },
              { value: 'any', label: 'any answer' },
            ]}
          />
        </div>
        {question === undefined ? (
          <Empty title="No question yet">Choose an app to see who can, or a person to see what they can do.</Empty>
        ) : question.ask === 'who' ? (
          <WhoCan question={question} />
        ) : (
          <WhatCan question={question} />
        )}
      </Panel>
    </Page>
  );
}
