import type { ApiClient } from '../client.ts';
import type { Command, OptionSpec } from '../command.ts';
import { CliError, exitCodes } from '../failure.ts';
import { table } from '../output.ts';

interface ResourceView {
  id: string;
  displayName: string;
  upstream: string;
  segment: string | null;
  origin: string;
  url: string;
}

function resourceTable(resources: readonly ResourceView[]): string {
  const rows = resources.map((each) => [each.id, each.url, each.upstream, each.segment, each.origin]);
  return table(['NAME', 'URL', 'UPSTREAM', 'SEGMENT', 'ORIGIN'], rows);
}

interface LiveView {
  sessions: number;
  people: number;
  open: number;
}

interface ActionView {
  action: string;
  answer: string;
  reasons: string[];
}

interface ReachView {
  strangers: ActionView[];
  items: { name: string; basis: string; actions: ActionView[] }[];
  policies: { id: string; file: string; effect: string; description: string }[];
  next: string | null;
}

const reachPageLimit = 200;

async function readReach(
  api: ApiClient,
  { resource, query, max }: { resource: string; query: Record<string, string | undefined>; max: number },
): Promise<ReachView> {
  const path = `/resources/${encodeURIComponent(resource)}/reach`;
  const policies = new Map<string, ReachView['policies'][number]>();
  const items: ReachView['items'] = [];
  let cursor: string | undefined;
  for (;;) {
    const limit = Math.min(reachPageLimit, max - items.length);
    const page = (await api.call({ method: 'GET', path, query: { ...query, limit, cursor } })).body as ReachView;
    items.push(...page.items);
    for (const policy of page.policies) policies.set(policy.id, policy);
    if (page.next === null || items.length >= max) return { ...page, items, policies: [...policies.values()] };
    cursor = page.next;
  }
}

/** `answer`: strangers too are shown only with it. */
function reachWords({ strangers, items, policies }: ReachView, answer: string | undefined): string {
  const actions = strangers.map(({ action }) => action);
  const cells = (answers: ActionView[]) => answers.map(({ answer }) => answer);
  const because = (answers: ActionView[]) => [...new Set(answers.flatMap(({ reasons }) => reasons))].join(' ');
  const rows = [
    ...(answer === undefined || cells(strangers).includes(answer)
      ? [['(not signed in)', ...cells(strangers), 'stranger', because(strangers)]]
      : []),
    ...items.map((each) => [each.name, ...cells(each.actions), each.basis, because(each.actions)]),
  ];
  const people = table(['PERSON', ...actions.map((action) => action.toUpperCase()), 'JUDGED BY', 'POLICIES'], rows);
  const decided = policies.map(({ id, effect, file, description }) => [id, effect, file, description]);
  return decided.length === 0 ? people : `${people}\n\n${table(['POLICY', 'EFFECT', 'FILE', 'SAYS'], decided)}`;
}

/** Options that `resource add` and `protect` share. */
export const resourceOptions: Readonly<Record<string, OptionSpec>> = {
  segment: { type: 'string', value: 'segment', summary: 'the segment it lies in' },
  display: { type: 'string', value: 'name', summary: 'display name' },
  'preserve-host': { type: 'boolean', summary: "send the browser's Host upstream instead of the upstream's own" },
  'cors-preflight': { type: 'boolean', summary: 'let cross-origin preflights pass without a session' },
  'cross-origin-cookie': {
    type: 'boolean',
    summary: "let pages of other origins act as the person signed in here; the app's own CORS rules then decide",
  },
};

export const resourceCommands: readonly Command[] = [
  {
    noun: 'resource',
    verb: 'list',
    summary: 'Lists what is behind the gateway',
    run: async ({ api, out }) => {
      const resources = (await api.list('/resources')) as unknown as ResourceView[];
      out.answer(resources, resourceTable(resources));
      return exitCodes.done;
    },
  },
  {
    noun: 'resource',
    verb: 'show',
    summary: 'Shows one resource, and what is open there now',
    positionals: [{ name: 'resource' }],
    run: async ({ api, out, positionals }) => {
      const path = `/resources/${encodeURIComponent(positionals[0] ?? '')}`;
      const resource = (await api.call({ method: 'GET', path })).body as ResourceView;
      const live = (await api.call({ method: 'GET', path: `${path}/live` })).body as LiveView;
      const count = (number: number, one: string, many: string) => `${number} ${number === 1 ? one : many}`;
      const now = `now: ${count(live.sessions, 'session', 'sessions')} of ${count(live.people, 'person', 'people')}, ${live.open} open at the gateways`;
      out.answer({ ...resource, live }, `${resourceTable([resource])}\n${now}`);
      return exitCodes.done;
    },
  },
  {
    noun: 'resource',
    verb: 'add',
    summary: 'Puts an app behind the gateway',
    positionals: [{ name: 'name' }, { name: 'upstream' }],
    options: {
      ...resourceOptions,
      'allow-private': { type: 'boolean', summary: 'the upstream may be a private or loopback address' },
    },
    run: async ({ api, out, positionals, text, flag }) => {
      const body = {
        name: positionals[0],
        upstream: positionals[1],
        displayName: text('display'),
        segment: text('segment'),
        allowPrivate: flag('allow-private'),
        preserveHost: flag('preserve-host'),
        corsPreflight: flag('cors-preflight'),
        crossOriginCookie: flag('cross-origin-cookie'),
      };
      const added = (await api.call({ method: 'POST', path: '/resources', body })).body as ResourceView;
      out.answer(added, added.url);
      out.note(`\`${added.id}\` is behind the gateway; policy decides who may open it`);
      return exitCodes.done;
    },
  },
  {
    noun: 'resource',
    verb: 'reach',
    summary: 'Who can do what on a resource right now, judged for each person',
    details:
      'People without a session are judged as if they had just signed in.\nnullius resource reach wiki --answer allow --action write',
    positionals: [{ name: 'resource' }],
    options: {
      action: { type: 'string', value: 'action', summary: 'only `read`, `write`, `delete` or `connect`' },
      answer: { type: 'string', value: 'answer', summary: 'only people who get `allow`, `deny` or `indeterminate`' },
      route: { type: 'string', value: 'label', summary: 'label of a route; that of the first page unless told' },
      limit: { type: 'string', value: 'count', summary: 'at most so many people (default 1000)' },
    },
    run: async ({ api, out, positionals, text }) => {
      const max = Number(text('limit') ?? '1000');
      if (!Number.isInteger(max) || max < 1) throw new CliError('usage', '`--limit` is a whole number from 1');
      const reach = await readReach(api, {
        resource: positionals[0] ?? '',
        query: { action: text('action'), answer: text('answer'), route: text('route') },
        max,
      });
      out.answer(reach, reachWords(reach, text('answer')));
      if (reach.next !== null) out.note(`there are more than ${reach.items.length} people; raise --limit`);
      return exitCodes.done;
    },
  },
  {
    noun: 'resource',
    verb: 'remove',
    summary: 'Takes a resource away; its open connections end',
    positionals: [{ name: 'resource' }],
    run: async ({ api, out, positionals }) => {
      await api.call({ method: 'DELETE', path: `/resources/${encodeURIComponent(positionals[0] ?? '')}` });
      out.answer({ removed: positionals[0] }, '');
      out.note(`\`${positionals[0]}\` is removed`);
      return exitCodes.done;
    },
  },
];
