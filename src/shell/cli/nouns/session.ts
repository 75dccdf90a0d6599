import type { Command } from '../command.ts';
import { CliError, exitCodes } from '../failure.ts';
import { findUser } from '../lookup.ts';
import { formatTime, table } from '../output.ts';

interface SessionView {
  id: string;
  user: string;
  userName: string | null;
  credential: string;
  status: string;
  createdAt: number;
  expiresAt: number;
  userAgent: string;
}

function sessionTable(sessions: readonly SessionView[]): string {
  const rows = sessions.map((each) => [
    each.id,
    each.userName ?? each.user,
    each.credential,
    each.status,
    formatTime(each.createdAt),
    formatTime(each.expiresAt),
    each.userAgent,
  ]);
  return table(['ID', 'USER', 'CREDENTIAL', 'STATUS', 'SINCE', 'ENDS', 'BROWSER'], rows);
}

function revokedWords(name: string, { revoked }: { readonly revoked: number }): string {
  if (revoked === 0) return `\`${name}\` has no session now`;
  return revoked === 1 ? `the session of \`${name}\` is revoked` : `${revoked} sessions of \`${name}\` are revoked`;
}

export const sessionCommands: readonly Command[] = [
  {
    noun: 'session',
    verb: 'list',
    summary: 'Lists active sessions',
    options: {
      user: { type: 'string', value: 'user', summary: 'only of this user' },
      all: { type: 'boolean', summary: 'ended ones as well' },
    },
    run: async ({ api, out, text, flag }) => {
      const name = text('user');
      const user = name === undefined ? undefined : (await findUser(api, name)).id;
      const query = { user, status: flag('all') ? undefined : 'active' };
      const sessions = (await api.list('/sessions', { query })) as unknown as SessionView[];
      out.answer(sessions, sessionTable(sessions));
      return exitCodes.done;
    },
  },
  {
    noun: 'session',
    verb: 'show',
    summary: 'Shows one session',
    positionals: [{ name: 'id' }],
    run: async ({ api, out, positionals }) => {
      const { body } = await api.call({ method: 'GET', path: `/sessions/${encodeURIComponent(positionals[0] ?? '')}` });
      out.answer(body, sessionTable([body as SessionView]));
      return exitCodes.done;
    },
  },
  {
    noun: 'session',
    verb: 'revoke',
    summary: 'Ends a session, or all of a user, with everything open under it',
    positionals: [{ name: 'id', optional: true }],
    options: {
      user: { type: 'string', value: 'user', summary: 'all sessions of this user' },
      reason: { type: 'string', value: 'words', summary: 'for the log' },
    },
    run: async ({ api, out, positionals, text }) => {
      const name = text('user');
      const [id] = positionals;
      if ((id === undefined) === (name === undefined))
        throw new CliError('usage', 'name a session, or a user by --user');
      const reason = text('reason');
      const body = reason === undefined ? {} : { reason };
      const path =
        name === undefined
          ? `/sessions/${encodeURIComponent(id ?? '')}/revoke`
          : `/users/${(await findUser(api, name)).id}/revoke-sessions`;
      const answer = await api.call({ method: 'POST', path, body });
      out.answer(answer.body, '');
      out.note(name === undefined ? 'the session is revoked' : revokedWords(name, answer.body as { revoked: number }));
      return exitCodes.done;
    },
  },
];
