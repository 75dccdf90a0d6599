import { type Command, globalOptions, type OptionSpec } from './command.ts';

/** The first page: every noun with its verbs. */
export function overviewHelp(commands: readonly Command[]): string {
  const nouns = new Map<string, Command[]>();
  for (const command of commands) nouns.set(command.noun, [...(nouns.get(command.noun) ?? []), command]);
  const width = Math.max(...[...nouns.keys()].map((noun) => noun.length));
  const lines = [...nouns].map(([noun, verbs]) => {
    const [only] = verbs;
    const words = only?.verb === null ? only.summary : verbs.map((command) => command.verb).join(', ');
    return `  ${noun.padEnd(width)}  ${words}`;
  });
  return [
    'Usage: nullius <noun> <verb> [options]',
    '',
    ...lines,
    '',
    'Everywhere:',
    ...optionLines(globalOptions),
    '',
    'nullius <noun> --help tells more.',
  ].join('\n');
}

/** One noun: its verbs. */
export function nounHelp(commands: readonly Command[]): string {
  return commands.map((command) => `${usageLine(command)}\n    ${command.summary}`).join('\n');
}

/** One command: usage, options, details. */
export function commandHelp(command: Command): string {
  const parts = [`Usage: ${usageLine(command)}`, '', command.summary];
  if (command.details !== undefined) parts.push('', command.details);
  if (command.options !== undefined) parts.push('', 'Options:', ...optionLines(command.options));
  parts.push('', 'Everywhere:', ...optionLines(globalOptions));
  return parts.join('\n');
}

export function usageLine(command: Command): string {
  const positionals = (command.positionals ?? []).map((spec) => {
    const name = `<${spec.name}>${spec.many === true ? '…' : ''}`;
    return spec.optional === true ? `[${name}]` : name;
  });
  const required = Object.entries(command.options ?? {})
    .filter(([, spec]) => spec.required === true)
    .map(([name, spec]) => `--${name} <${spec.value ?? 'value'}>`);
  const hasMore = Object.keys(command.options ?? {}).length > required.length;
  const words = ['nullius', command.noun, command.verb, ...positionals, ...required, hasMore ? '[options]' : null];
  return words.filter((word) => word !== null).join(' ');
}

function optionLines(options: Readonly<Record<string, OptionSpec>>): string[] {
  const named = Object.entries(options).map(([name, spec]) => ({
    left: `--${name}${spec.type === 'string' ? ` <${spec.value ?? 'value'}>` : ''}`,
    right: `${spec.summary}${spec.multiple === true ? ' (may be repeated)' : ''}`,
  }));
  const width = Math.max(...named.map((each) => each.left.length));
  return named.map((each) => `  ${each.left.padEnd(width)}  ${each.right}`);
}
