import { parseDuration } from '../../config/duration.ts';
import type { ApiClient } from '../client.ts';
import type { Command } from '../command.ts';
import { CliError, exitCodes } from '../failure.ts';
import { durationOption, findUser } from '../lookup.ts';
import { formatTime, type Output, table } from '../output.ts';

interface UserView {
  id: string;
  name: string;
  displayName: string;
  status: string;
  groups: string[];
  source: string;
  createdAt: number;
}

function userTable(users: readonly UserView[]): string {
  const rows = users.map((user) => [
    user.name,
    user.displayName,
    user.status,
    user.groups.join(' '),
    user.source,
    formatTime(user.createdAt),
  ]);
  return table(['NAME', 'DISPLAY NAME', 'STATUS', 'GROUPS', 'SOURCE', 'SINCE'], rows);
}

function statusCommand(verb: 'suspend' | 'activate'): Command {
  const status = verb === 'suspend' ? 'suspended' : 'active';
  return {
    noun: 'user',
    verb,
    summary:
      verb === 'suspend'
        ? 'Suspends a user: every session and open connection ends at once'
        : 'Lets a suspended user in again',
    positionals: [{ name: 'user' }],
    run: async ({ api, positionals, out }) => {
      const user = await findUser(api, positionals[0] ?? '');
      const { body } = await api.call({ method: 'PATCH', path: `/users/${user.id}`, body: { status } });
      out.answer(body, '');
      out.note(`\`${positionals[0]}\` is ${status}`);
      return exitCodes.done;
    },
  };
}

async function erase(api: ApiClient, { id, out }: { id: string; out: Output }): Promise<void> {
  await api.call({ method: 'POST', path: `/users/${encodeURIComponent(id)}/erase` });
  out.note(`\`${id}\` is erased; backups still hold what they held`);
}

export const userCommands: readonly Command[] = [
  {
    noun: 'user',
    verb: 'list',
    summary: 'Lists the people who may sign in',
    options: { group: { type: 'string', value: 'group', summary: 'only members of this group' } },
    run: async ({ api, out, text }) => {
      const users = (await api.list('/users', { query: { group: text('group') } })) as unknown as UserView[];
      out.answer(users, userTable(users));
      return exitCodes.done;
    },
  },
  {
    noun: 'user',
    verb: 'show',
    summary: 'Shows one person',
    positionals: [{ name: 'user' }],
    run: async ({ api, out, positionals }) => {
      const user = await findUser(api, positionals[0] ?? '');
      out.answer(user, `${userTable([user as unknown as UserView])}\nid: ${user.id}`);
      return exitCodes.done;
    },
  },
  {
    noun: 'user',
    verb: 'invite',
    summary: 'Makes a one-time link by which a person enrols a passkey',
    details: 'Works on the local socket even when policy locked everyone out; every invitation is logged.',
    positionals: [{ name: 'name', optional: true }],
    options: {
      admin: { type: 'boolean', summary: 'the person becomes an administrator' },
      display: { type: 'string', value: 'name', summary: 'display name' },
      email: { type: 'string', value: 'address', summary: 'e-mail address, for your records' },
      group: { type: 'string', multiple: true, value: 'group', summary: 'make the person a member' },
      for: { type: 'string', value: 'duration', summary: 'how long the link works (default 15m, at most 7d)' },
    },
    run: async ({ api, out, positionals, text, texts, flag }) => {
      const lifetime = text('for');
      const body = {
        ...(lifetime === undefined ? {} : { lifetimeMs: durationOption(lifetime, parseDuration) }),
        ...(positionals[0] === undefined ? {} : { name: positionals[0] }),
        ...(text('display') === undefined ? {} : { displayName: text('display') }),
        ...(text('email') === undefined ? {} : { email: text('email') }),
        groups: texts('group'),
        admin: flag('admin'),
      };
      const answer = (await api.call({ method: 'POST', path: '/invitations', body })).body as {
        url: string;
        expiresAt: number;
      };
      out.answer(answer, answer.url);
      out.note(`valid once, until ${formatTime(answer.expiresAt)}; hand it over by a channel you trust`);
      return exitCodes.done;
    },
  },
  statusCommand('suspend'),
  statusCommand('activate'),
  {
    noun: 'user',
    verb: 'remove',
    summary: 'Removes a person, their sessions, tokens and grants',
    positionals: [{ name: 'user' }],
    details:
      '--erase: destroys the key of their events besides, and old versions of their facts, so that nobody can read them any more. The journal still proves itself. Not to be undone.',
    options: { erase: { type: 'boolean', summary: 'also erase what is kept about them' } },
    run: async ({ api, out, positionals, flag }) => {
      const user = await findUser(api, positionals[0] ?? '');
      await api.call({ method: 'DELETE', path: `/users/${user.id}` });
      const isErased = flag('erase');
      out.note(
        isErased
          ? `\`${positionals[0]}\` is removed`
          : `\`${positionals[0]}\` is removed; \`nullius user erase ${user.id}\` erases what is kept about them`,
      );
      if (isErased) await erase(api, { id: user.id, out });
      out.answer({ removed: user.id, erased: isErased }, '');
      return exitCodes.done;
    },
  },
  {
    noun: 'user',
    verb: 'erase',
    summary: 'Erases what is kept about a person who was removed, for good',
    details:
      'Destroys the key of their events and drops old versions of their facts. The journal still proves itself. Takes the id that `user remove` told, or that events name.',
    positionals: [{ name: 'id' }],
    run: async ({ api, out, positionals }) => {
      const id = positionals[0] ?? '';
      const user = (await api.list('/users')).find((each) => each['id'] === id || each['name'] === id);
      if (user !== undefined) {
        const words = `\`${user['name']}\` (id \`${user['id']}\`) is not removed yet; \`nullius user remove ${user['name']} --erase\` does both`;
        throw new CliError('failed', words);
      }
      await erase(api, { id, out });
      out.answer({ erased: id }, '');
      return exitCodes.done;
    },
  },
];
