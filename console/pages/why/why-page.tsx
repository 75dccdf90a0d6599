import { Button, Code, NativeSelect, Select, Stack, Tabs, Text, TextInput, Title } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useSearchParams } from 'react-router';
import type { Explanation } from '#foundation/model';
import { ask } from '../../api/ask.ts';
import { useList } from '../../api/queries.ts';
import type { ResourceView, UserView } from '../../api/shapes.ts';
import { AnswerMark } from '../../parts/marks.tsx';
import { Page, Panel } from '../../parts/page.tsx';
import { Await, Empty } from '../../parts/states.tsx';
import { Words } from '../../parts/words.tsx';
import { CedarText } from '../policies/cedar-text.tsx';
import { Details } from './explained.tsx';
import { questionIn, shownQuestion } from './question-in.ts';

const actions = [
  { value: 'read', label: 'read (GET, HEAD, OPTIONS)' },
  { value: 'write', label: 'write (POST, PUT, PATCH)' },
  { value: 'delete', label: 'delete (DELETE)' },
  { value: 'connect', label: 'connect (WebSocket)' },
];

function AskByEvent() {
  const [search, setSearch] = useSearchParams();
  const [id, setId] = useState(search.get('event') ?? '');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (id.trim() !== '') setSearch({ event: id.trim() });
  };
  return (
    <form onSubmit={submit} className="toolbar">
      <TextInput
        className="grow"
        label="Correlation id"
        description="It stands on every refusal page, in every problem and in every event."
        value={id}
        onChange={(event) => setId(event.currentTarget.value)}
        classNames={{ input: 'mono' }}
        spellCheck={false}
      />
      <Button type="submit" disabled={id.trim() === ''}>
        Explain
      </Button>
    </form>
  );
}

function AskByQuestion() {
  const [search, setSearch] = useSearchParams();
  const people = useList<UserView>('/users', { limit: 200 });
  const apps = useList<ResourceView>('/resources', { limit: 200 });
  const [user, setUser] = useState<string | null>(search.get('user'));
  const [resource, setResource] = useState<string | null>(search.get('resource'));
  const [action, setAction] = useState(search.get('action') ?? 'read');
  const [path, setPath] = useState(search.get('path') ?? '/');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (user !== null && resource !== null) setSearch({ user, resource, action, path });
  };
  return (
    <form onSubmit={submit}>
      <div className="fields">
        <Select
          label="Who"
          searchable
          value={user}
          onChange={setUser}
          data={(people.items ?? []).map((each) => ({ value: each.id, label: each.displayName || each.name }))}
        />
        <Select
          label="Which app"
          searchable
          value={resource}
          onChange={setResource}
          data={(apps.items ?? []).map((each) => ({ value: each.id, label: each.displayName || each.id }))}
        />
        <NativeSelect
          label="To do what"
          value={action}
          onChange={(event) => setAction(event.currentTarget.value)}
          data={actions}
        />
        <TextInput
          label="Path"
          value={path}
          onChange={(event) => setPath(event.currentTarget.value)}
          classNames={{ input: 'mono' }}
          spellCheck={false}
        />
      </div>
      <Button type="submit" mt="sm" disabled={user === null || resource === null}>
        Ask the policies
      </Button>
    </form>
  );
}

function Because({ explanation }: { explanation: Explanation }) {
  const spoke = new Set([...explanation.reasons, ...explanation.errors.map(({ id }) => id)]);
  const policies = explanation.policies.filter(({ id }) => spoke.has(id));
  if (policies.length === 0) {
    return (
      <Text size="sm">
        No policy spoke for it. What no policy permits is refused: that is the default, and needs no rule.
      </Text>
    );
  }
  return (
    <ul className="plain-list because">
      {policies.map((policy) => (
        <li key={policy.id}>
          <div className="reach">
            <span>
              <Code>{policy.id}</Code> <span className="dim">{policy.effect}</span>
            </span>
            <span className="dim">{policy.file}</span>
          </div>
          <CedarText text={policy.text} />
        </li>
      ))}
    </ul>
  );
}

function Answer({ explanation }: { explanation: Explanation }) {
  const asked = shownQuestion(explanation.question);
  return (
    <Stack gap="md">
      <div className="reach">
        <Title order={2}>{asked.length === 0 ? 'The answer' : 'The question and its answer'}</Title>
        <AnswerMark answer={explanation.answer} />
      </div>
      {asked.length > 0 && (
        <dl className="pairs">
          {asked.map(([name, value]) => (
            <div className="pair" key={name}>
              <dt>{name}</dt>
              <dd>
                <Code>{value}</Code>
              </dd>
            </div>
          ))}
        </dl>
      )}
      {explanation.words.map((words) => (
        <Text key={words}>
          <Words>{words}</Words>
        </Text>
      ))}
      {explanation.remedies.length > 0 && (
        <div>
          <Title order={3}>What would change it</Title>
          <ul className="dots">
            {explanation.remedies.map((remedy) => (
              <li key={remedy.kind}>
                <Words>{remedy.words}</Words>
              </li>
            ))}
          </ul>
        </div>
      )}
      <Details explanation={explanation} />
      <div>
        <Title order={3}>Because of</Title>
        <Because explanation={explanation} />
      </div>
      {explanation.errors.length > 0 && (
        <div>
          <Title order={3}>Policies that failed</Title>
          <Text size="sm" c="dimmed">
            A policy that fails is skipped; when a forbid fails, the answer is no.
          </Text>
          <ul className="dots">
            {explanation.errors.map((error) => (
              <li key={error.id}>
                <Code>{error.id}</Code> {error.message}
              </li>
            ))}
          </ul>
        </div>
      )}
      <Text size="xs" c="dimmed">
        Judged by policies no. {explanation.policySequence} and facts at revision {explanation.factRevision}.
        {!explanation.isExact && ' It could not be asked again exactly.'}
      </Text>
    </Stack>
  );
}

/** Why a past decision was as it was, and what the policies in force would say to a question. */
export function WhyPage() {
  const [search] = useSearchParams();
  const question = questionIn(search);
  const answer = useQuery({
    queryKey: ['policies', 'explain', question],
    queryFn: ({ signal }) => ask<Explanation>('/policies/explain', { method: 'POST', body: question, signal }),
    enabled: question !== undefined,
    placeholderData: keepPreviousData,
  });
  return (
    <Page title="Why?" lead="Ask about a decision that was made, or one that might be.">
      <div className="columns-even">
        <Panel>
          <Tabs
            defaultValue={search.has('user') ? 'question' : 'event'}
            key={search.has('user') ? 'question' : 'event'}
          >
            <Tabs.List mb="md">
              <Tabs.Tab value="event">A past decision</Tabs.Tab>
              <Tabs.Tab value="question">A question</Tabs.Tab>
            </Tabs.List>
            <Tabs.Panel value="event">
              <AskByEvent key={search.get('event')} />
            </Tabs.Panel>
            <Tabs.Panel value="question">
              <AskByQuestion />
            </Tabs.Panel>
          </Tabs>
        </Panel>
        <Panel>
          <div aria-live="polite">
            {question === undefined ? (
              <Empty title="No question yet">Paste a correlation id, or say who asks for what.</Empty>
            ) : (
              <Await answer={answer} what="the explanation">
                {(explanation) => <Answer explanation={explanation} />}
              </Await>
            )}
          </div>
        </Panel>
      </div>
    </Page>
  );
}
