import { existsSync, readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { checkConfig } from './check.ts';
import { type ConfigProblem, configBytesMax, parseConfigText, problemAt, validateDocument } from './document.ts';
import { applyOverrides } from './override.ts';
import type { Config } from './schema.ts';

export type LoadedConfig =
  | {
      readonly ok: true;
      readonly config: Config;
      /** The file it came from, absolute; null when there is none and everything is default or `--set`. */
      readonly file: string | null;
      readonly warnings: readonly ConfigProblem[];
    }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] };

/**
 * Reads the configuration. `file` null: defaults and overrides only. `optional` accepts that the file does not exist.
 * Never throws for a mistake in the configuration: mistakes are values with their place.
 */
export function loadConfig(input: {
  readonly file: string | null;
  readonly optional?: boolean;
  readonly overrides?: readonly string[];
  /** For a gateway whose control is on another machine: domains are control's, and what is said of them here does not count. */
  readonly isDomainElsewhere?: boolean;
}): LoadedConfig {
  const read = readConfigText(input.file, input.optional ?? false);
  if ('problem' in read) return { ok: false, problems: [read.problem] };
  const name = input.file ?? 'nullius.yaml';
  const parsed = parseConfigText({ file: name, text: read.text });
  if (parsed.problems.length > 0) return { ok: false, problems: parsed.problems };
  const { source, problems } = applyOverrides(parsed.source, input.overrides ?? []);
  const validated = validateDocument(source);
  if ('problems' in validated) return { ok: false, problems: [...problems, ...validated.problems] };
  const found: ConfigProblem[] = [...problems];
  checkConfig(validated.config, {
    file: resolve(name),
    isDomainElsewhere: input.isDomainElsewhere ?? false,
    report: (path, message, severity = 'error') => found.push(problemAt(source, path, message, { severity })),
  });
  if (found.some((problem) => problem.severity === 'error')) return { ok: false, problems: found };
  return { ok: true, config: validated.config, file: read.present ? resolve(name) : null, warnings: found };
}

function readConfigText(
  file: string | null,
  optional: boolean,
): { text: string; present: boolean } | { problem: ConfigProblem } {
  if (file === null) return { text: '', present: false };
  const problem = (message: string) => ({
    problem: { file, line: 1, column: 1, severity: 'error' as const, message },
  });
  if (!existsSync(file)) {
    if (optional) return { text: '', present: false };
    return problem(`no file \`${file}\`; write one, or leave \`--config\` out to run with defaults`);
  }
  if (statSync(file).size > configBytesMax) return problem(`is larger than ${configBytesMax} bytes`);
  try {
    return { text: readFileSync(file, 'utf8'), present: true };
  } catch {
    return problem(`cannot be read; check its owner and mode`);
  }
}
