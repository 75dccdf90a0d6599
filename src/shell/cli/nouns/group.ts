import type { Command, Invocation } from '../command.ts';
import { exitCodes } from '../failure.ts';
import { findUser } from '../lookup.ts';
import { table } from '../output.ts';

interface GroupView {
  id: string;
  displayName: string;
  description: string;
  memberOf: string[];
  origin: string;
}

const groupAndUser = [{ name: 'group' }, { name: 'user' }];

async function membership(method: 'PUT' | 'DELETE', { api, out, positionals }: Invocation) {
  const [group = '', name = ''] = positionals;
  const user = await findUser(api, name);
  const { body } = await api.call({ method, path: `/groups/${encodeURIComponent(group)}/members/${user.id}` });
  out.answer(body, '');
  out.note(`\`${name}\` is ${method === 'PUT' ? 'now' : 'no longer'} in \`${group}\``);
  return exitCodes.done;
}

export const groupCommands: readonly Command[] = [
  {
    noun: 'group',
    verb: 'list',
    summary: 'Lists the groups',
    run: async ({ api, out }) => {
      const groups = (await api.list('/groups')) as unknown as GroupView[];
      const rows = groups.map((group) => [
        group.id,
        group.displayName,
        group.memberOf.join(' '),
        group.origin,
        group.description,
      ]);
      out.answer(groups, table(['NAME', 'DISPLAY NAME', 'MEMBER OF', 'ORIGIN', 'DESCRIPTION'], rows));
      return exitCodes.done;
    },
  },
  {
    noun: 'group',
    verb: 'show',
    summary: 'Shows a group and its members',
    positionals: [{ name: 'group' }],
    run: async ({ api, out, positionals }) => {
      const path = `/groups/${encodeURIComponent(positionals[0] ?? '')}`;
      const group = (await api.call({ method: 'GET', path })).body as GroupView;
      const members = (await api.list(`${path}/members`)) as unknown as { id: string; name: string; status: string }[];
      out.answer(
        { ...group, members },
        table(
          ['MEMBER', 'STATUS'],
          members.map((user) => [user.name, user.status]),
        ),
      );
      return exitCodes.done;
    },
  },
  {
    noun: 'group',
    verb: 'create',
    summary: 'Makes a group',
    positionals: [{ name: 'group' }],
    options: {
      display: { type: 'string', value: 'name', summary: 'display name' },
      description: { type: 'string', value: 'words', summary: 'what it is for' },
      within: {
        type: 'string',
        multiple: true,
        value: 'group',
        summary: 'members of this one are members of that one',
      },
    },
    run: async ({ api, out, positionals, text, texts }) => {
      const body = {
        name: positionals[0],
        displayName: text('display'),
        description: text('description'),
        memberOf: texts('within'),
      };
      const answer = await api.call({ method: 'POST', path: '/groups', body });
      out.answer(answer.body, '');
      out.note(`group \`${positionals[0]}\` is made`);
      return exitCodes.done;
    },
  },
  {
    noun: 'group',
    verb: 'delete',
    summary: 'Removes a group; its members lose what it gave',
    positionals: [{ name: 'group' }],
    run: async ({ api, out, positionals }) => {
      await api.call({ method: 'DELETE', path: `/groups/${encodeURIComponent(positionals[0] ?? '')}` });
      out.answer({ removed: positionals[0] }, '');
      out.note(`group \`${positionals[0]}\` is removed`);
      return exitCodes.done;
    },
  },
  {
    noun: 'group',
    verb: 'add',
    summary: 'Puts a user into a group',
    positionals: groupAndUser,
    run: (invocation) => membership('PUT', invocation),
  },
  {
    noun: 'group',
    verb: 'remove',
    summary: 'Takes a user out of a group',
    positionals: groupAndUser,
    run: (invocation) => membership('DELETE', invocation),
  },
];
