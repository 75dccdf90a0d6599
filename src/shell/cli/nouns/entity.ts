import { readFileSync } from 'node:fs';
import type { Command } from '../command.ts';
import { CliError, exitCodes } from '../failure.ts';
import { table, terminalJson } from '../output.ts';

interface EntityView {
  id: string;
  attrs: Record<string, unknown>;
  parents: { type: string; id: string }[];
}

/** Entities in one call of the API. */
const batchMax = 500;

function readEntities(path: string): unknown[] {
  let text: string;
  try {
    text = readFileSync(path === '-' ? 0 : path, 'utf8');
  } catch {
    throw new CliError('usage', `cannot read \`${path}\``);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new CliError('usage', `\`${path}\` is not JSON: ${(error as Error).message}`);
  }
  if (!Array.isArray(value))
    throw new CliError('usage', `\`${path}\` must hold a list of entities in Cedar’s JSON form`);
  return value;
}

export const entityCommands: readonly Command[] = [
  {
    noun: 'entity',
    verb: 'list',
    summary: 'Lists what applications store to ask the PDP about',
    options: { type: { type: 'string', value: 'type', summary: 'only of this type, such as `Todo::user`' } },
    run: async ({ api, out, text }) => {
      const type = text('type');
      const query = type === undefined ? '' : `?type=${encodeURIComponent(type)}`;
      const entities = (await api.list(`/entities${query}`)) as unknown as EntityView[];
      const rows = entities.map(({ id, attrs, parents }) => [id, Object.keys(attrs).join(' '), parents.length]);
      out.answer(entities, table(['ENTITY', 'ATTRIBUTES', 'PARENTS'], rows));
      return exitCodes.done;
    },
  },
  {
    noun: 'entity',
    verb: 'show',
    summary: 'Shows one entity',
    positionals: [{ name: 'uid' }],
    run: async ({ api, out, positionals }) => {
      const { body } = await api.call({ method: 'GET', path: `/entities/${encodeURIComponent(positionals[0] ?? '')}` });
      out.answer(body, terminalJson(body, 2));
      return exitCodes.done;
    },
  },
  {
    noun: 'entity',
    verb: 'import',
    summary: 'Stores the entities of a file; those that are there already are replaced',
    details:
      'The file is a list in Cedar’s JSON form, `-` is standard input. Types lie in a namespace of the published schema.',
    positionals: [{ name: 'file' }],
    run: async ({ api, out, positionals }) => {
      const entities = readEntities(positionals[0] ?? '');
      for (let at = 0; at < entities.length; at += batchMax) {
        await api.call({ method: 'POST', path: '/entities', body: { entities: entities.slice(at, at + batchMax) } });
      }
      out.answer({ stored: entities.length }, '');
      out.note(`${entities.length} entities are stored`);
      return exitCodes.done;
    },
  },
  {
    noun: 'entity',
    verb: 'remove',
    summary: 'Removes one entity',
    positionals: [{ name: 'uid' }],
    run: async ({ api, out, positionals }) => {
      await api.call({ method: 'DELETE', path: `/entities/${encodeURIComponent(positionals[0] ?? '')}` });
      out.answer({ removed: positionals[0] }, '');
      out.note(`\`${positionals[0]}\` is removed`);
      return exitCodes.done;
    },
  },
];
