import type {
  AccessPage,
  AnswerCounts,
  DecidingPolicy,
  SubjectView,
  WhatAnswer,
  WhatItem,
  WhoItem,
} from '#foundation/model';
import type { ApiClient } from '../client.ts';
import type { Command, Invocation } from '../command.ts';
import { CliError, exitCodes } from '../failure.ts';
import { findUser } from '../lookup.ts';
import { formatTime, table } from '../output.ts';

const pageLimit = 200;
const limitDefault = 10_000;

const basisWords: Readonly<Record<string, string>> = {
  session: 'their session',
  'sign-in': 'as if just signed in',
  stranger: 'not signed in',
  token: 'scopes and owner',
  operator: 'local socket',
};

const listOptions = {
  answer: { type: 'string', value: 'allow|deny|any', summary: 'whom or what to list (default `allow`)' },
  text: { type: 'string', value: 'text', summary: 'only names with this text in them' },
  limit: { type: 'string', value: 'count', summary: `at most so many lines (default ${limitDefault})` },
} as const;

/** Reads pages until `max` items; the answer is the first page with all items and policies. */
async function readAll<Item, P extends AccessPage<Item>>(
  api: ApiClient,
  { path, query, max }: { path: string; query: Record<string, string | undefined>; max: number },
): Promise<P> {
  const items: Item[] = [];
  const policies = new Map<string, DecidingPolicy>();
  let cursor: string | undefined;
  for (;;) {
    const limit = Math.min(pageLimit, max - items.length);
    const page = (await api.call({ method: 'GET', path, query: { ...query, limit, cursor } })).body as P;
    items.push(...page.items);
    for (const policy of page.policies) policies.set(policy.id, policy);
    if (page.next === null || items.length >= max) return { ...page, items, policies: [...policies.values()] };
    cursor = page.next;
  }
}

function listQuery({ text }: Invocation): { query: Record<string, string | undefined>; max: number } {
  const max = Number(text('limit') ?? limitDefault);
  if (!Number.isInteger(max) || max < 1) throw new CliError('usage', '`--limit` is a whole number from 1');
  return { query: { answer: text('answer'), q: text('text') }, max };
}

function subjectWords({ kind, name, id, owner }: SubjectView): string {
  switch (kind) {
    case 'stranger':
      return '(anybody, not signed in)';
    case 'operator':
      return '(operator of this machine)';
    case 'token':
      return `token ${name === '' ? id : name} of ${owner?.type ?? ''} ${owner?.id ?? ''}`;
    default:
      return name;
  }
}

function policyWords(policies: readonly DecidingPolicy[]): string {
  if (policies.length === 0) return '';
  const rows = policies.map(({ id, effect, file, description }) => [id, effect, file, description]);
  return `\n\n${table(['POLICY', 'EFFECT', 'FILE', 'SAYS'], rows)}`;
}

function countWords({ allow, deny, indeterminate }: AnswerCounts): string {
  const unjudged = indeterminate === 0 ? '' : `, ${indeterminate} could not be judged`;
  return `${allow} allowed, ${deny} refused${unjudged}`;
}

const judgedBy = (page: AccessPage<unknown>) =>
  `judged at ${formatTime(page.judgedAt)} by policies no. ${page.policySequence} and facts at revision ${page.factRevision}`;

const whoCanCommand: Command = {
  noun: 'policy',
  verb: 'who-can',
  summary: 'Who can do this there: everybody, judged as the door would judge them now',
  details:
    'nullius policy who-can read wiki\nnullius policy who-can administer-write \'Service::"control"\' --noun policy\n\nPeople are judged from their newest session; without one, as if they had just signed in. Exit 1 when nobody can.',
  positionals: [{ name: 'action' }, { name: 'resource' }],
  options: {
    ...listOptions,
    route: { type: 'string', value: 'label', summary: 'label of a route; that of the first page unless told' },
    noun: { type: 'string', value: 'noun', summary: 'what is administered, such as `user`' },
  },
  run: async (invocation) => {
    const { api, out, positionals, text } = invocation;
    const [action, resource] = positionals;
    const { query, max } = listQuery(invocation);
    const path = '/policies/who-can';
    const asked = { ...query, action, resource, route: text('route'), noun: text('noun') };
    const page = await readAll<WhoItem, AccessPage<WhoItem>>(api, { path, query: asked, max });
    const rows = page.items.map((each) => [
      subjectWords(each),
      each.answer,
      basisWords[each.basis] ?? each.basis,
      each.reasons.join(' '),
    ]);
    out.answer(page, `${table(['WHO', 'ANSWER', 'JUDGED BY', 'POLICIES'], rows)}${policyWords(page.policies)}`);
    out.note(`${countWords(page.counts)}; ${judgedBy(page)}`);
    if (page.next !== null) out.note(`there are more than ${page.items.length} lines; raise --limit`);
    return page.counts.allow === 0 ? exitCodes.no : exitCodes.done;
  },
};

const whatCanCommand: Command = {
  noun: 'policy',
  verb: 'what-can',
  summary: 'What somebody can do: every app, route and action, and the administration API',
  details:
    'nullius policy what-can ada\nnullius policy what-can --token <id>\nnullius policy what-can --stranger\n\nExit 1 when they can do nothing.',
  positionals: [{ name: 'user', optional: true }],
  options: {
    ...listOptions,
    token: { type: 'string', value: 'id', summary: 'a token, with its scopes' },
    stranger: { type: 'boolean', summary: 'anybody who has not signed in' },
    operator: { type: 'boolean', summary: 'the operator of this machine, by the local socket' },
  },
  run: async (invocation) => {
    const { api, out, positionals, text, flag } = invocation;
    const [name] = positionals;
    const { query, max } = listQuery(invocation);
    const who = [...(flag('stranger') ? ['stranger'] : []), ...(flag('operator') ? ['operator'] : [])];
    if ([name, text('token'), ...who].filter((each) => each !== undefined).length !== 1) {
      throw new CliError('usage', 'name a user, or give one of --token, --stranger and --operator');
    }
    const user = name === undefined ? undefined : (await findUser(api, name)).id;
    const path = '/policies/what-can';
    const asked = { ...query, user, token: text('token'), who: who[0] };
    const page = await readAll<WhatItem, WhatAnswer>(api, {
      path,
      query: asked,
      max,
    });
    const rows = page.items.flatMap(({ resource, parts, actions }) => {
      const listed = actions.filter(({ answer }) => text('answer') === 'any' || answer === (text('answer') ?? 'allow'));
      const reasons = [...new Set(listed.flatMap((each) => each.reasons))].join(' ');
      return [[resource, parts.join(' '), listed.map(({ action }) => action).join(' '), reasons]];
    });
    out.answer(page, `${table(['WHAT', 'ROUTES', 'ACTIONS', 'POLICIES'], rows)}${policyWords(page.policies)}`);
    const basis = basisWords[page.basis] ?? page.basis;
    out.note(`${subjectWords(page.subject)}, judged by: ${basis}; ${countWords(page.counts)}; ${judgedBy(page)}`);
    if (page.next !== null) out.note(`there are more than ${page.items.length} lines; raise --limit`);
    return page.counts.allow === 0 ? exitCodes.no : exitCodes.done;
  },
};

/** Questions asked backwards: who can, what can. */
export const policyAccessCommands: readonly Command[] = [whoCanCommand, whatCanCommand];
