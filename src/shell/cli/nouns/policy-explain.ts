import type { EntityUid, ExplainedPart, ExplainedPolicy, Explanation } from '#foundation/model';
import type { ApiClient } from '../client.ts';
import type { Command, Invocation } from '../command.ts';
import { CliError, exitCodes } from '../failure.ts';
import { findUser } from '../lookup.ts';
import { parseTime } from '../time.ts';

const uidWords = ({ type, id }: EntityUid) => `${type}::${JSON.stringify(id)}`;

function partLines({ part, text, place, holds, error, values }: ExplainedPart): string[] {
  const where = place === null ? '' : `  (${place.file}:${place.line}:${place.column})`;
  const isScope = !['when', 'unless'].includes(part);
  const written = text.replace(/\s+/g, ' ');
  const head = `${holds ? 'ok ' : 'NO '} ${isScope ? 'scope' : part}: ${written}${where}`;
  const read = values
    .filter((each) => !(isScope && holds) && each.text !== each.value)
    .map((each) => `        ${each.text} is ${each.value}`);
  return [`    ${head}`, ...(error === null ? [] : [`        it failed: ${error}`]), ...read];
}

function policyLines({ id, effect, outcome, parts }: ExplainedPolicy, isBrief: boolean): string[] {
  const shown = isBrief ? parts.filter(({ holds }) => !holds) : parts;
  const how = { satisfied: 'spoke', unsatisfied: 'did not speak', error: 'failed' }[outcome];
  return [`  ${effect} \`${id}\` ${how}`, ...shown.flatMap(partLines)];
}

function changeLines({ change }: Explanation): string[] {
  if (change === null) return [];
  const to = change.turnsTo === 'allow' ? 'to allow it' : 'to refuse it';
  if (change.alternatives.length === 0) {
    return ['', `no change of facts that was tried turns it (${change.asked} hypothetical questions)`];
  }
  const least = change.isSmallest ? `the least that would have to change ${to}` : `what would have to change ${to}`;
  const alternatives = change.alternatives.map((all) => `  - ${all.map(({ words }) => words).join(' And: ')}`);
  return ['', `${least}${alternatives.length > 1 ? ', any one of these' : ''}:`, ...alternatives];
}

/** An explanation in lines for a person. */
export function explanationWords(explained: Explanation, name?: string): string {
  const { answer, words, notes, spoke, paths, nearest, remedies, errors } = explained;
  const section = (title: string, lines: readonly string[]) => (lines.length === 0 ? [] : ['', title, ...lines]);
  const ways = paths.flatMap(({ policy, principal, resource }) =>
    [principal, resource].flatMap((path) =>
      path === null || path.length < 2 ? [] : [`  \`${policy}\`: ${path.map(uidWords).join(' in ')}`],
    ),
  );
  const said = words.filter((each) => !notes.includes(each));
  const known = name === undefined ? '' : ` (\`${name}\`)`;
  return [
    `answer: ${answer}${explained.principal === null ? '' : ` for ${uidWords(explained.principal)}${known}`}`,
    ...said.map((each) => `  ${each}`),
    ...errors.map((error) => `  error in \`${error.id}\`: ${error.message}`),
    ...section(
      'what spoke:',
      spoke.flatMap((each) => policyLines(each, false)),
    ),
    ...section('by way of:', ways),
    ...section(
      'what came nearest to permitting it:',
      nearest.flatMap((each) => policyLines(each, true)),
    ),
    ...changeLines(explained),
    ...section(
      'what the person can do:',
      remedies.map((remedy) => `  - ${remedy.words}`),
    ),
    ...(spoke.length > 0 || nearest.length > 0
      ? []
      : explained.policies.map((policy) => `\n// ${policy.file}\n${policy.text.trimEnd()}`)),
  ].join('\n');
}

/** The login name of the person it is about, when they are still there and may be read. */
async function nameOf(api: ApiClient, { principal }: Explanation): Promise<string | undefined> {
  if (principal?.type !== 'User') return undefined;
  try {
    const { body } = await api.call({ method: 'GET', path: `/users/${encodeURIComponent(principal.id)}` });
    return (body as { name: string }).name;
  } catch (error) {
    if (error instanceof CliError) return undefined;
    throw error;
  }
}

async function bodyOf({ api, positionals, text, flag }: Invocation): Promise<Record<string, unknown>> {
  const [event] = positionals;
  const name = text('user');
  const resource = text('resource');
  const token = text('token');
  const who = flag('stranger') ? 'stranger' : flag('operator') ? 'operator' : undefined;
  const named = [name, token, who].filter((each) => each !== undefined);
  if (event !== undefined) {
    if (named.length > 0 || resource !== undefined) throw new CliError('usage', 'give a correlation id, or a question');
    return { event };
  }
  if (named.length !== 1 || resource === undefined) {
    throw new CliError(
      'usage',
      'give a correlation id, or --resource and one of --user, --token, --stranger, --operator',
    );
  }
  const age = text('session-age');
  if (age !== undefined && !/^\d{1,9}$/.test(age))
    throw new CliError('usage', '`--session-age` is a number of seconds');
  const at = text('at');
  const given = {
    user: name === undefined ? undefined : (await findUser(api, name)).id,
    token,
    who,
    resource,
    action: text('action') ?? 'read',
    path: text('path'),
    route: text('route'),
    method: text('method'),
    address: text('address'),
    noun: text('noun'),
    at: at === undefined ? undefined : parseTime(at),
    session: age === undefined ? undefined : { authAgeSeconds: Number(age) },
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

/** `policy explain`: why, for a past decision or for one that might be. */
export const explainCommand: Command = {
  noun: 'policy',
  verb: 'explain',
  summary: 'Says why: for a past decision by its correlation id, or for a question; and the least that would turn it',
  details:
    'nullius policy explain <correlation id>\nnullius policy explain --user ada --action read --resource wiki\n\nA past decision is asked again of the facts and policies of then, as long as they are kept.',
  positionals: [{ name: 'correlation-id', optional: true }],
  options: {
    user: { type: 'string', value: 'user', summary: 'who would ask' },
    token: { type: 'string', value: 'id', summary: 'a token that would ask' },
    stranger: { type: 'boolean', summary: 'somebody who has not signed in would ask' },
    operator: { type: 'boolean', summary: 'the operator of this machine would ask' },
    resource: { type: 'string', value: 'resource', summary: 'for what: an app, or `Service::"control"`' },
    action: {
      type: 'string',
      value: 'action',
      summary: '`read` (default), `write`, `delete`, `connect`, `administer-read` …',
    },
    noun: { type: 'string', value: 'noun', summary: 'what is administered' },
    path: { type: 'string', value: 'path', summary: 'at which path (default /)' },
    route: { type: 'string', value: 'label', summary: 'at a route with this label (default that of the first page)' },
    method: { type: 'string', value: 'method', summary: 'by which method (default that of the action)' },
    address: { type: 'string', value: 'address', summary: 'from which address (default 127.0.0.1)' },
    at: { type: 'string', value: 'time', summary: 'at which time (default now)' },
    'session-age': {
      type: 'string',
      value: 'seconds',
      summary: 'with a passkey session of this age, instead of theirs',
    },
  },
  run: async (invocation) => {
    const { api, out } = invocation;
    const body = await bodyOf(invocation);
    const explained = (await api.call({ method: 'POST', path: '/policies/explain', body })).body as Explanation;
    out.answer(explained, explanationWords(explained, await nameOf(api, explained)));
    for (const note of explained.notes) out.note(note);
    if (!explained.isExact) out.note('this is not exact: see above');
    out.note(`policies no. ${explained.policySequence}, facts at revision ${explained.factRevision}`);
    return exitCodes.done;
  },
};
