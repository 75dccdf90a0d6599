import { parseArgs } from 'node:util';
import { nearestWord } from '../config/nearest.ts';
import { type Command, globalOptions, type OptionSpec } from './command.ts';
import { CliError } from './failure.ts';

export interface ParsedArguments {
  readonly values: Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;
  readonly positionals: readonly string[];
}

/** Splits leading global options from the rest, so that `nullius --json user list` and `nullius user list --json` are the same. */
export function splitLeadingGlobals(argv: readonly string[]): { leading: string[]; rest: string[] } {
  let index = 0;
  while (index < argv.length) {
    const word = argv[index] ?? '';
    if (!word.startsWith('-')) break;
    const name = word.replace(/^--?/, '').split('=')[0] ?? '';
    const spec = globalOptions[name];
    index += spec?.type === 'string' && !word.includes('=') ? 2 : 1;
  }
  return { leading: argv.slice(0, index), rest: argv.slice(index) };
}

/** Parses the words after noun and verb, strictly. Throws CliError `usage` naming the nearest option. */
export function parseCommandArguments(command: Command, argv: readonly string[]): ParsedArguments {
  const specs: Readonly<Record<string, OptionSpec>> = { ...command.options, ...globalOptions };
  const parsed = parseStrictly(specs, argv);
  for (const [name, spec] of Object.entries(specs)) {
    if (spec.required === true && parsed.values[name] === undefined && parsed.values['help'] !== true) {
      throw new CliError('usage', `\`${optionWords(name, spec)}\` is missing: ${spec.summary}`);
    }
  }
  return parsed;
}

/** Checks the number of positionals; not done when help was asked for. */
export function checkPositionals(command: Command, positionals: readonly string[]): void {
  const specs = command.positionals ?? [];
  const missing = specs.filter((spec) => spec.optional !== true)[positionals.length];
  if (missing !== undefined) throw new CliError('usage', `\`<${missing.name}>\` is missing`);
  if (positionals.length > specs.length && specs.at(-1)?.many !== true) {
    throw new CliError('usage', `\`${positionals[specs.length]}\` is one word too many`);
  }
}

function parseStrictly(specs: Readonly<Record<string, OptionSpec>>, argv: readonly string[]): ParsedArguments {
  const options = Object.fromEntries(
    Object.entries(specs).map(([name, spec]) => [
      name,
      { type: spec.type, multiple: spec.multiple ?? false, ...(spec.short === undefined ? {} : { short: spec.short }) },
    ]),
  );
  try {
    const { values, positionals } = parseArgs({ args: [...argv], options, allowPositionals: true, strict: true });
    return { values, positionals };
  } catch (error) {
    throw usageError(error as NodeJS.ErrnoException, specs);
  }
}

function usageError(error: NodeJS.ErrnoException, specs: Readonly<Record<string, OptionSpec>>): CliError {
  const unknown = /Unknown option '(-{1,2}[^']*)'/.exec(error.message)?.[1];
  if (error.code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION' && unknown !== undefined) {
    return unknownOption(unknown, Object.keys(specs));
  }
  const valueless = /Option '(?:-\w, )?--([\w-]+)(?: <value>)?' argument/.exec(error.message)?.[1];
  const spec = specs[valueless ?? ''];
  if (valueless !== undefined && spec !== undefined) {
    return new CliError('usage', `\`${optionWords(valueless, spec)}\` has no value: ${spec.summary}`);
  }
  return new CliError('usage', error.message.split('. ')[0] ?? error.message);
}

/** Names the nearest known option, or all of them. One letter is too little to guess from. */
export function unknownOption(option: string, known: readonly string[]): CliError {
  const word = option.replace(/^-+/, '').split('=')[0] ?? '';
  const nearest = word.length < 2 ? undefined : nearestWord(word, known);
  const help =
    nearest === undefined
      ? `known here: ${known.map((name) => `\`--${name}\``).join(', ')}`
      : `did you mean \`--${nearest}\`?`;
  const value = option.startsWith('--') ? '' : '; a value that begins with a hyphen goes behind `--`';
  return new CliError('usage', `unknown option \`${option}\`; ${help}${value}`);
}

function optionWords(name: string, spec: OptionSpec): string {
  return `--${name}${spec.type === 'string' ? ` <${spec.value ?? 'value'}>` : ''}`;
}
