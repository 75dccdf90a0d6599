import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError } from '#decision/engine';
import type { Command } from '../command.ts';
import { CliError, exitCodes } from '../failure.ts';
import { problemLine } from '../problem-line.ts';

/** A policy, schema, entities or request file is at most this large. */
const fileBytesMax = 64 * 1024 * 1024;

function readText(path: string): { file: string; text: string } {
  try {
    if (statSync(path).size > fileBytesMax)
      throw new CliError('failed', `\`${path}\` is larger than ${fileBytesMax} bytes`);
    return { file: path, text: new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path)) };
  } catch (error) {
    if (error instanceof CliError) throw error;
    const cause =
      error instanceof TypeError ? 'it is not UTF-8' : error instanceof Error ? error.message : String(error);
    throw new CliError('failed', `\`${path}\` cannot be read: ${cause}`);
  }
}

/** All `*.cedar` files of a folder, in byte order of their names. */
function readPolicies(folder: string): { file: string; text: string }[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    throw new CliError(
      'failed',
      `\`${folder}\` cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  return names
    .filter((name) => name.endsWith('.cedar'))
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .map((name) => readText(join(folder, name)));
}

export const decideCommands: readonly Command[] = [
  {
    noun: 'decide',
    verb: null,
    summary: 'Answers one request from files of policies and entities, exactly as Cedar does',
    details: `Prints {"decision":"allow|deny","reasons":[ids],"errors":[ids]}. Policies are numbered policy0, policy1 … over the files in
byte order of their names. With --schema, request and entities must fit it (else exit 3); policies that do not fit are
warned about. Exit 0 allow, 1 deny.`,
    options: {
      policies: { type: 'string', value: 'folder', required: true, summary: 'folder of `*.cedar` files' },
      schema: { type: 'string', value: 'file', summary: 'Cedar schema, as text or JSON' },
      entities: { type: 'string', value: 'file', required: true, summary: 'entities, as Cedar JSON' },
      request: {
        type: 'string',
        value: 'file',
        required: true,
        summary: 'JSON with `principal`, `action`, `resource` and `context`',
      },
    },
    run: async ({ text, out }) => {
      // WebAssembly that no other command needs.
      const { decideTexts } = await import('#decision/parser');
      const schema = text('schema');
      try {
        const { decision, warnings } = decideTexts({
          policies: readPolicies(text('policies') ?? ''),
          schema: schema === undefined ? null : readText(schema),
          entities: readText(text('entities') ?? ''),
          request: readText(text('request') ?? ''),
        });
        for (const warning of warnings) out.note(problemLine(warning));
        for (const { id, message } of decision.errors) out.note(`${id}: ${message}`);
        const answer = { ...decision, errors: decision.errors.map(({ id }) => id) };
        out.line(answer, JSON.stringify(answer));
        return decision.decision === 'allow' ? exitCodes.done : exitCodes.no;
      } catch (error) {
        if (error instanceof EngineError) throw new CliError('failed', problemLine(error));
        throw error;
      }
    },
  },
];
