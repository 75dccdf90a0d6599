import type { Writable } from 'node:stream';
import { nearestWord } from '../config/nearest.ts';
import {
  checkPositionals,
  type ParsedArguments,
  parseCommandArguments,
  splitLeadingGlobals,
  unknownOption,
} from './arguments.ts';
import { createApiClient } from './client.ts';
import { type Command, globalOptions, type Invocation } from './command.ts';
import { CliError, type ExitCode, exitCodes } from './failure.ts';
import { commandHelp, nounHelp, overviewHelp, usageLine } from './help.ts';
import { asTyped, createOutput } from './output.ts';

export interface Surroundings {
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly version: string;
}

/** Finds the command, parses its arguments, runs it and turns what it throws into words and an exit code. */
export async function runCli(
  commands: readonly Command[],
  input: { argv: readonly string[]; surroundings: Surroundings },
): Promise<ExitCode> {
  const { surroundings } = input;
  const json = input.argv.includes('--json');
  const out = createOutput(surroundings, { json, command: commandName(surroundings) });
  try {
    return await findAndRun(commands, input);
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    out.note(`nullius: ${error.message}`);
    if (json && error.detail !== undefined) out.answer(error.detail, '');
    return exitCodes[error.code];
  }
}

async function findAndRun(
  commands: readonly Command[],
  input: { argv: readonly string[]; surroundings: Surroundings },
): Promise<ExitCode> {
  const { surroundings } = input;
  const { leading, rest } = splitLeadingGlobals(input.argv);
  const [noun, ...afterNoun] = rest;
  const wantsHelp = leading.includes('--help') || leading.includes('-h');
  if (leading.includes('--version')) return print(surroundings, surroundings.version);
  if (noun === 'help') return findAndRun(commands, { ...input, argv: [...afterNoun, '--help'] });
  if (noun === undefined) {
    if (wantsHelp) return print(surroundings, overviewHelp(commands));
    const [unknown] = leading.filter((word) => !isGlobal(word));
    if (unknown !== undefined) throw unknownOption(unknown, [...globalOptionNames, 'version']);
    throw new CliError('usage', `what shall it do?\n${overviewHelp(commands)}`);
  }
  const ofNoun = commands.filter((command) => command.noun === noun);
  if (ofNoun.length === 0) {
    const nearest = nearestWord(noun, new Set(commands.map((command) => command.noun)));
    throw new CliError(
      'usage',
      `unknown command \`${noun}\`; ${nearest === undefined ? '' : `did you mean \`${nearest}\`? `}\`nullius --help\` lists all`,
    );
  }
  const single = ofNoun.find((command) => command.verb === null);
  const verb = single === undefined ? afterNoun[0] : null;
  const afterVerb = single === undefined ? afterNoun.slice(1) : afterNoun;
  const command = single ?? ofNoun.find((each) => each.verb === verb);
  if (command === undefined) {
    if (wantsHelp || verb === '--help' || verb === '-h' || verb === 'help')
      return print(surroundings, nounHelp(ofNoun));
    throw unknownVerb(noun, verb ?? undefined, ofNoun);
  }
  const parsed = withUsage(command, () => {
    const given = parseCommandArguments(command, [...leading, ...afterVerb]);
    if (given.values['help'] !== true) checkPositionals(command, given.positionals);
    return given;
  });
  if (parsed.values['help'] === true) return print(surroundings, commandHelp(command));
  return await command.run(invocationOf(parsed, surroundings));
}

/** Is this word an option that every command takes? */
function isGlobal(word: string): boolean {
  const name = word.replace(/^--?/, '').split('=')[0] ?? '';
  return name in globalOptions || name === 'h';
}

/** Wrong use of a command ends with the right one. */
function withUsage<T>(command: Command, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    throw new CliError(error.code, `${error.message}\nUsage: ${usageLine(command)}`, error.detail);
  }
}

function unknownVerb(noun: string, verb: string | undefined, ofNoun: readonly Command[]): CliError {
  const verbs = ofNoun.map((command) => command.verb ?? '');
  if (verb === undefined) return new CliError('usage', `\`nullius ${noun}\` needs a verb: ${verbs.join(', ')}`);
  const nearest = nearestWord(verb, verbs);
  return new CliError(
    'usage',
    `unknown verb \`${noun} ${verb}\`; ${nearest === undefined ? `known: ${verbs.join(', ')}` : `did you mean \`${noun} ${nearest}\`?`}`,
  );
}

function print(surroundings: Surroundings, words: string): ExitCode {
  surroundings.stdout.write(`${asTyped(words, commandName(surroundings))}\n`);
  return exitCodes.done;
}

/** bin/nullius says how it was called. */
function commandName({ environment }: Surroundings): string {
  return environment['NULLIUS_COMMAND'] ?? 'nullius';
}

function invocationOf(parsed: ParsedArguments, surroundings: Surroundings): Invocation {
  const text = (name: string) => {
    const value = parsed.values[name];
    return typeof value === 'string' ? value : undefined;
  };
  const globals = {
    json: parsed.values['json'] === true,
    config: text('config'),
    data: text('data') ?? '.nullius',
    server: text('server'),
    ca: text('ca'),
  };
  let client: ReturnType<typeof createApiClient> | undefined;
  return {
    globals,
    positionals: parsed.positionals,
    text,
    texts: (name) => {
      const value = parsed.values[name];
      return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
    },
    flag: (name) => parsed.values[name] === true,
    out: createOutput(surroundings, { json: globals.json, command: commandName(surroundings) }),
    get api() {
      client ??= createApiClient({
        dataDirectory: globals.data,
        server: globals.server,
        caFile: globals.ca,
        token: surroundings.environment['NULLIUS_TOKEN'],
      });
      return client;
    },
  };
}

/** Names of the global options, for tests that walk the help. */
export const globalOptionNames: readonly string[] = Object.keys(globalOptions);
