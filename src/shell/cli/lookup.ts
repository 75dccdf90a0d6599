import { nearestWord } from '../config/nearest.ts';
import type { ApiClient } from './client.ts';
import { CliError } from './failure.ts';

/** The user a person named: by login name, or by id. Throws CliError naming the nearest. */
export async function findUser(api: ApiClient, name: string): Promise<{ id: string; [member: string]: unknown }> {
  const users = (await api.list('/users')) as { id: string; name: string }[];
  const found = users.find((user) => user.name === name) ?? users.find((user) => user.id === name);
  if (found !== undefined) return found;
  const nearest = nearestWord(
    name,
    users.map((user) => user.name),
  );
  throw new CliError('failed', `no user \`${name}\`${nearest === undefined ? '' : `; the nearest is \`${nearest}\``}`);
}

/** A duration option such as `1h`, as milliseconds; throws CliError `usage`. */
export function durationOption(text: string, parse: (text: string) => number | undefined): number {
  const ms = parse(text);
  if (ms === undefined || ms === 0)
    throw new CliError('usage', `\`${text}\` is no duration; write \`30m\`, \`12h\` or \`7d\``);
  return ms;
}
