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
  const specs: Readonly<Record<string, OptionSpec>> = { ...globalOptions, ...command.options };
  const parsed = parseStrictly(specs, argv);
  for (const [name, spec] of Object.entries(specs)) {
    if (spec.required === true && parsed.values[name] === undefined && parsed.values['help'] !== true) {
      throw new CliError('usage', `--${name} is missing`);
    }
  }
  return parsed;
}

/** Checks the number of positionals; not done when help was asked for. */
export function checkPositionals(command: Command, positionals: readonly string[]): void {
  const specs = command.positionals ?? [];
  const missing = specs.filter((spec) => spec.optional !== true)[positionals.length];
  if (missing !== undefined) throw new CliError('usage', `<${missing.name}> is missing`);
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
    const nearest = nearestWord(unknown.replace(/^-+/, ''), Object.keys(specs));
    return new CliError(
      'usage',
      `unknown option \`${unknown}\`${nearest === undefined ? '' : `; did you mean \`--${nearest}\`?`}`,
    );
  }
  return new CliError('usage', error.message.split('. ')[0] ?? error.message);
}
