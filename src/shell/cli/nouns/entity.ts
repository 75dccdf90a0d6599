import { readFileSync } from 'node:fs';
import { EngineError, parseLosslessJson } from '#decision/engine';
import type { Command } from '../command.ts';
import { CliError, exitCodes } from '../failure.ts';
import { table, terminalJson } from '../output.ts';
import { problemLine } from '../problem-line.ts';

interface EntityView {
  id: string;
  attrs: Record<string, unknown>;
  parents: { type: string; id: string }[];
}

/** Entities in one call of the API, and how long they may be as JSON. */
const [batchMax, batchLengthMax] = [500, 250_000];

function readEntities(path: string): unknown[] {
  let text: string;
  try {
    text = readFileSync(path === '-' ? 0 : path, 'utf8');
  } catch {
    throw new CliError('usage', `cannot read \`${path}\``);
  }
  try {
    // Says where it is wrong, and bounds how deep it nests.
    parseLosslessJson(text, path);
  } catch (error) {
    throw error instanceof EngineError ? new CliError('usage', problemLine(error)) : error;
  }
  const value: unknown = JSON.parse(text);
  if (!Array.isArray(value))
    throw new CliError('usage', `\`${path}\` must hold a list of entities in Cedar’s JSON form`);
  return value;
}

function* batchesOf(entities: readonly unknown[]): Generator<readonly unknown[]> {
  let [batch, length] = [[] as unknown[], 0];
  for (const entity of entities) {
    const own = JSON.stringify(entity).length;
    if (batch.length === batchMax || (batch.length > 0 && length + own > batchLengthMax)) {
      yield batch;
      [batch, length] = [[], 0];
    }
    batch.push(entity);
    length += own;
  }
  if (batch.length > 0) yield batch;
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
      for (const batch of batchesOf(entities))
        await api.call({ method: 'POST', path: '/entities', body: { entities: batch } });
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
