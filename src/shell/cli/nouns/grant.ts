import { parseDuration } from '../../config/duration.ts';
import type { Command } from '../command.ts';
import { exitCodes } from '../failure.ts';
import { durationOption, findUser } from '../lookup.ts';
import { formatTime, table } from '../output.ts';

interface GrantView {
  id: string;
  user: string;
  userName: string | null;
  resource: string;
  state: string;
  reason: string;
  expiresAt: number | null;
}

function grantTable(grants: readonly GrantView[]): string {
  const rows = grants.map((each) => [
    each.id,
    each.userName ?? each.user,
    each.resource,
    each.state,
    formatTime(each.expiresAt),
    each.reason,
  ]);
  return table(['ID', 'USER', 'RESOURCE', 'STATE', 'ENDS', 'REASON'], rows);
}

function decisionCommand(verb: 'approve' | 'deny' | 'revoke', summary: string): Command {
  const duration = {
    for: { type: 'string', value: 'duration', summary: 'how long it runs (default: as requested)' },
  } as const;
  const reason = { reason: { type: 'string', value: 'words', summary: 'for the log' } } as const;
  return {
    noun: 'grant',
    verb,
    summary,
    positionals: [{ name: 'id' }],
    options: verb === 'approve' ? duration : reason,
    run: async ({ api, out, positionals, text }) => {
      const length = text('for');
      const words = text('reason');
      const body = {
        ...(length === undefined ? {} : { durationMs: durationOption(length, parseDuration) }),
        ...(words === undefined ? {} : { reason: words }),
      };
      const answer = await api.call({
        method: 'POST',
        path: `/grants/${encodeURIComponent(positionals[0] ?? '')}/${verb}`,
        body,
      });
      out.answer(answer.body, grantTable([answer.body as GrantView]));
      return exitCodes.done;
    },
  };
}

export const grantCommands: readonly Command[] = [
  {
    noun: 'grant',
    verb: 'list',
    summary: 'Lists just-in-time access: asked for, running, ended',
    options: { state: { type: 'string', value: 'state', summary: 'requested, active, denied, revoked or expired' } },
    run: async ({ api, out, text }) => {
      const grants = (await api.list('/grants', { query: { state: text('state') } })) as unknown as GrantView[];
      out.answer(grants, grantTable(grants));
      return exitCodes.done;
    },
  },
  {
    noun: 'grant',
    verb: 'create',
    summary: 'Gives a user access to a resource for a while',
    positionals: [{ name: 'user' }, { name: 'resource' }],
    options: {
      for: { type: 'string', value: 'duration', summary: 'how long it runs', required: true },
      reason: { type: 'string', value: 'words', summary: 'for the log' },
    },
    run: async ({ api, out, positionals, text }) => {
      const user = await findUser(api, positionals[0] ?? '');
      const body = {
        user: user.id,
        resource: positionals[1],
        reason: text('reason') ?? '',
        durationMs: durationOption(text('for') ?? '', parseDuration),
      };
      const answer = await api.call({ method: 'POST', path: '/grants', body });
      out.answer(answer.body, grantTable([answer.body as GrantView]));
      return exitCodes.done;
    },
  },
  decisionCommand('approve', 'Approves a request'),
  decisionCommand('deny', 'Denies a request'),
  decisionCommand('revoke', 'Ends a running grant; what is open by it is cut'),
];
