import type { ApiClient } from './client.ts';
import type { ExitCode } from './failure.ts';
import type { Output } from './output.ts';

export interface OptionSpec {
  readonly type: 'string' | 'boolean';
  readonly multiple?: boolean;
  readonly short?: string;
  /** How the value is called in help: `--for <duration>`. */
  readonly value?: string;
  readonly summary: string;
  readonly required?: boolean;
}

export interface PositionalSpec {
  readonly name: string;
  readonly optional?: boolean;
  readonly many?: boolean;
}

/** `nullius <noun> <verb>`; a noun without verbs (`check`) has `verb: null`. */
export interface Command {
  readonly noun: string;
  readonly verb: string | null;
  readonly summary: string;
  /** More words for `--help`, such as an example. */
  readonly details?: string;
  readonly positionals?: readonly PositionalSpec[];
  readonly options?: Readonly<Record<string, OptionSpec>>;
  run(invocation: Invocation): Promise<ExitCode>;
}

export interface Globals {
  readonly json: boolean;
  readonly config: string | undefined;
  readonly data: string;
  readonly server: string | undefined;
  readonly ca: string | undefined;
}

/** One parsed call of a command. */
export interface Invocation {
  readonly globals: Globals;
  readonly positionals: readonly string[];
  text(option: string): string | undefined;
  texts(option: string): readonly string[];
  flag(option: string): boolean;
  readonly out: Output;
  /** The running installation: `DIR/control.sock`, or `--server`. */
  readonly api: ApiClient;
}

export const globalOptions: Readonly<Record<string, OptionSpec>> = {
  json: { type: 'boolean', summary: 'machine-readable answer on stdout, nothing else there' },
  config: {
    type: 'string',
    value: 'file',
    summary: 'configuration file (default `nullius.yaml`, which may be absent)',
  },
  data: { type: 'string', value: 'folder', summary: 'data folder (default `.nullius`)' },
  server: { type: 'string', value: 'url', summary: 'console URL of a remote installation; needs NULLIUS_TOKEN' },
  ca: { type: 'string', value: 'file', summary: 'PEM certificates to trust for --server, besides the usual ones' },
  help: { type: 'boolean', short: 'h', summary: 'this help' },
};
