import type { Command } from '../command.ts';
import { exitCodes } from '../failure.ts';
import { formatTime, table } from '../output.ts';

interface InvitationView {
  id: string;
  name: string | null;
  groups: string[];
  admin: boolean;
  createdAt: number;
  expiresAt: number;
}

export const invitationCommands: readonly Command[] = [
  {
    noun: 'invitation',
    verb: 'list',
    summary: 'Lists invitations that nobody has used yet; `nullius user invite` makes them',
    run: async ({ api, out }) => {
      const open = (await api.list('/invitations')) as unknown as InvitationView[];
      const rows = open.map((each) => [
        each.id,
        each.name ?? '(whoever holds the link)',
        [...each.groups, ...(each.admin ? ['administrators'] : [])].join(' '),
        formatTime(each.createdAt),
        formatTime(each.expiresAt),
      ]);
      out.answer(open, table(['ID', 'NAME', 'GROUPS', 'MADE', 'ENDS'], rows));
      return exitCodes.done;
    },
  },
  {
    noun: 'invitation',
    verb: 'withdraw',
    summary: 'Withdraws an invitation: its link stops working at once',
    positionals: [{ name: 'id' }],
    run: async ({ api, out, positionals }) => {
      const id = positionals[0] ?? '';
      await api.call({ method: 'DELETE', path: `/invitations/${encodeURIComponent(id)}` });
      out.answer({ withdrawn: id }, '');
      out.note(`\`${id}\` is withdrawn`);
      return exitCodes.done;
    },
  },
];
