import { Badge, Code, Text, Title } from '@mantine/core';
import type { EntityUid, ExplainedPart, ExplainedPolicy, Explanation } from '#foundation/model';
import { Words } from '../../parts/words.tsx';

const entity = ({ type, id }: EntityUid) => `${type}::${JSON.stringify(id)}`;

function Part({ part }: { part: ExplainedPart }) {
  const read = part.values.filter(({ text, value }) => text !== value);
  return (
    <li>
      <Badge color={part.holds ? 'verdigris' : 'madder'}>{part.holds ? 'holds' : 'does not hold'}</Badge>{' '}
      <span className="dim">{part.part}</span> <Code>{part.text}</Code>
      {part.place !== null && (
        <span className="dim">
          {' '}
          {part.place.file}, line {part.place.line}
        </span>
      )}
      {part.error !== null && <Text size="sm">It failed: {part.error}</Text>}
      {read.map(({ text, value }) => (
        <Text key={text} size="sm">
          <Code>{text}</Code> is <Code>{value}</Code>
        </Text>
      ))}
    </li>
  );
}

const outcomes = { satisfied: 'spoke', unsatisfied: 'did not speak', error: 'failed' } as const;

function Policies({ title, policies, only }: { title: string; policies: readonly ExplainedPolicy[]; only?: 'failed' }) {
  if (policies.length === 0) return null;
  return (
    <div>
      <Title order={3}>{title}</Title>
      <ul className="plain-list">
        {policies.map(({ id, effect, outcome, parts }) => (
          <li key={id}>
            <Code>{id}</Code> <span className="dim">{`${effect}, ${outcomes[outcome]}`}</span>
            <ul className="dots">
              {parts
                .filter(({ holds }) => only === undefined || !holds)
                .map((part) => (
                  <Part key={`${part.part} ${part.text} ${part.place?.line} ${part.place?.column}`} part={part} />
                ))}
            </ul>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Change({ change }: { change: NonNullable<Explanation['change']> }) {
  const title = change.turnsTo === 'allow' ? 'What would allow it' : 'What would refuse it';
  return (
    <div>
      <Title order={3}>{title}</Title>
      {change.alternatives.length === 0 ? (
        <Text size="sm">No change of facts that was tried turns the answer ({change.asked} questions were asked).</Text>
      ) : (
        <>
          <Text size="sm" c="dimmed">
            {change.isSmallest
              ? 'The fewest changes of facts that turn the answer'
              : 'Changes of facts that turn the answer'}
            {change.alternatives.length > 1 && '; any one of these is enough'}.
          </Text>
          <ul className="dots">
            {change.alternatives.map((all) => {
              const words = all.map((each) => each.words).join(' And: ');
              return (
                <li key={words}>
                  <Words>{words}</Words>
                </li>
              );
            })}
          </ul>
        </>
      )}
    </div>
  );
}

function Ways({ paths }: Pick<Explanation, 'paths'>) {
  const ways = paths.flatMap(({ principal, resource }) =>
    [principal, resource].filter((path) => path !== null && path.length > 1),
  );
  if (ways.length === 0) return null;
  return (
    <div>
      <Title order={3}>By way of</Title>
      <ul className="dots">
        {[...new Set(ways.map((path) => (path ?? []).map(entity).join(' in ')))].map((way) => (
          <li key={way}>
            <Code>{way}</Code>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** What each policy looked at, by which way it fits, what came near, and the least that would turn the answer. */
export function Details({ explanation }: { explanation: Explanation }) {
  const { notes, spoke, nearest, paths, change, words } = explanation;
  return (
    <>
      {notes
        .filter((note) => !words.includes(note))
        .map((note) => (
          <Text key={note} size="sm">
            <Words>{note}</Words>
          </Text>
        ))}
      <Policies title="What spoke" policies={spoke} />
      <Ways paths={paths} />
      <Policies title="What came nearest" policies={nearest} only="failed" />
      {change !== null && <Change change={change} />}
    </>
  );
}
