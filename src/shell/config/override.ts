import { parseDocument } from 'yaml';
import type { ConfigDocument, ConfigProblem } from './document.ts';
import { knownKeysAt } from './known-keys.ts';
import { nearestWord } from './nearest.ts';
import { configSchema, secretPaths } from './schema.ts';

/** Keys under these are lists of maps: they are edited in the file, not on a command line. */
const listKeys: ReadonlySet<string> = new Set(['resources', 'segments', 'groups', 'identity']);

/**
 * Applies `key=value` pairs of `--set` to the document; the value is read as YAML. Secrets and lists are refused: a command
 * line is seen by every program of the machine. Returns the changed source and the problems.
 */
export function applyOverrides(
  source: ConfigDocument,
  pairs: readonly string[],
): { source: ConfigDocument; problems: ConfigProblem[] } {
  const problems: ConfigProblem[] = [];
  const overridden = new Map(source.overridden);
  for (const pair of pairs) {
    const refused = applyOne(source, pair, overridden);
    if (refused !== undefined)
      problems.push({ file: `--set ${pair.split('=')[0]}`, line: 0, column: 0, severity: 'error', message: refused });
  }
  return { source: { ...source, overridden }, problems };
}

function applyOne(source: ConfigDocument, pair: string, overridden: Map<string, string>): string | undefined {
  const equals = pair.indexOf('=');
  if (equals <= 0) return 'needs the form `key=value`, such as `--set domain=example.com`';
  const key = pair.slice(0, equals);
  const text = pair.slice(equals + 1);
  const path = key.split('.');
  const unknown = unknownStep(path);
  if (unknown !== undefined) return unknown;
  if (listKeys.has(path[0] ?? '')) return `\`${key}\` is a list; write it into the configuration file`;
  if (secretPaths.includes(key) && carriesSecret(text)) {
    return `\`${key}\` holds a password; secrets are not taken from the command line, write \`{ url, password: { file } }\` into the configuration file`;
  }
  const value = parseDocument(text, { merge: false });
  if (value.errors.length > 0) return `\`${text}\` is no YAML value`;
  try {
    source.document.setIn(path, value.toJS({ maxAliasCount: 0 }));
  } catch {
    return `\`${key}\` cannot be set: what stands in the file in its place is no map`;
  }
  overridden.set(key, text);
  return undefined;
}

function unknownStep(path: readonly string[]): string | undefined {
  for (const [index, step] of path.entries()) {
    const known = knownKeysAt(configSchema, path.slice(0, index));
    if (known.includes(step)) continue;
    const nearest = nearestWord(step, known);
    return `unknown key \`${path.join('.')}\`${nearest === undefined ? '' : `; the nearest known one is \`${[...path.slice(0, index), nearest].join('.')}\``}`;
  }
  return undefined;
}

function carriesSecret(text: string): boolean {
  if (text === 'sqlite') return false;
  try {
    return new URL(text).password !== '';
  } catch {
    return true;
  }
}
