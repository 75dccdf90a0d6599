import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Config,
  type ConfigProblem,
  formatProblem,
  gitStateFiles,
  type LoadedConfig,
  loadConfig,
  policySource,
  resolveBeside,
} from '../config/index.ts';
import type { ConfigStatus } from './api/services.ts';
import { describeFault } from './describe-fault.ts';

export interface ConfigFollowerNeeds {
  readonly file: string | null;
  readonly overrides: readonly string[];
  readonly clock: () => number;
  /** Puts a checked configuration in force; throws an Error with words for people when it cannot be. */
  readonly apply: (config: Config, source: { readonly policiesFolder: PoliciesFolder | null }) => Promise<void>;
  /** A configuration that is not taken: told to the log and to the operator. */
  readonly onRefused: (words: string) => Promise<void>;
  readonly onApplied: (words: string, inForce: Config) => void;
}

const lookMs = 500;

/** Keys whose change needs a restart: they are bound, opened or read once. */
const startOnlyKeys = [
  'domain',
  'appsDomain',
  'publicPort',
  'store',
  'listen',
  'tls',
  'identity',
  'session',
  'journal',
  'keys',
] as const;

/**
 * Follows the configuration file and the policies folder it names: a good change is applied, a bad one is told about and changes
 * nothing.
 */
export class ConfigFollower {
  readonly #needs: ConfigFollowerNeeds;
  #running: Config;
  #status: ConfigStatus;
  #signature: string;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();

  /** `isRestart`: `started` came from an earlier process, and the file may be another, or no good, by now. */
  constructor(needs: ConfigFollowerNeeds, { started, isRestart }: { started: Config; isRestart: boolean }) {
    this.#needs = needs;
    this.#running = started;
    this.#status = this.#ok(started);
    this.#signature = isRestart ? '' : this.#read();
  }

  get status(): ConfigStatus {
    return this.#status;
  }

  get config(): Config {
    return this.#running;
  }

  start(): void {
    if (this.#needs.file === null) return;
    this.#timer = setInterval(() => {
      this.#looking = this.#looking.then(() => this.look());
    }, lookMs);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  /** Looks once; applies what changed. Never throws. */
  async look(): Promise<void> {
    const signature = this.#read();
    if (signature === this.#signature) return;
    this.#signature = signature;
    const { file, overrides } = this.#needs;
    let loaded: LoadedConfig;
    try {
      loaded = loadConfig({ file, overrides });
    } catch (error) {
      return this.#refuse(error instanceof Error ? error.message : 'it could not be read');
    }
    if (!loaded.ok) return this.#refuse(firstWords(loaded.problems));
    try {
      await this.#needs.apply(loaded.config, { policiesFolder: policiesFolder(file, loaded.config) });
    } catch (error) {
      const fault = describeFault(error);
      if (fault === undefined) return this.#refuse(error instanceof Error ? error.message : 'it could not be applied');
      // Nothing is wrong with the file: it is tried again at the next look.
      this.#signature = '';
      this.#status = { ...this.#status, state: 'refused', problem: fault.detail };
      return;
    }
    const restart = startOnlyKeys.filter(
      (key) => JSON.stringify(this.#running[key]) !== JSON.stringify(loaded.config[key]),
    );
    this.#running = { ...loaded.config, ...pick(this.#running, restart) };
    this.#status = { ...this.#ok(loaded.config), restart };
    this.#needs.onApplied(
      restart.length === 0
        ? 'the configuration was read again and is in force'
        : `the configuration was read again; ${restart.map((key) => `\`${key}\``).join(', ')} take effect after a restart`,
      this.#running,
    );
  }

  async #refuse(words: string): Promise<void> {
    this.#status = { ...this.#status, state: 'refused', problem: words };
    await this.#needs.onRefused(words);
  }

  #ok(config: Config): ConfigStatus {
    return {
      file: this.#needs.file,
      state: 'ok',
      problem: null,
      loadedAt: this.#needs.clock(),
      restart: [],
      ownsPolicies: config.policies !== undefined,
    };
  }

  /** Changes whenever a file that was looked at does. */
  #read(): string {
    const { file } = this.#needs;
    if (file === null) return '';
    const folder = policiesFolder(file, this.#running);
    const parts = [stampOf(file)];
    if (folder !== null) {
      try {
        for (const name of readdirSync(folder.path).sort()) parts.push(`${name} ${stampOf(join(folder.path, name))}`);
        if (folder.git !== null) parts.push(...gitStateFiles(folder.path).map(stampOf));
      } catch {
        parts.push('unreadable');
      }
    }
    return parts.join('\n');
  }
}

function stampOf(path: string): string {
  try {
    const { mtimeMs, size, ino } = statSync(path);
    return `${mtimeMs} ${size} ${ino}`;
  } catch {
    return 'gone';
  }
}

/** Where policies come from, absolute; null when not from a folder. */
export interface PoliciesFolder {
  readonly path: string;
  readonly git: { readonly allowDirty: boolean } | null;
}

/** Null when policies do not come from a folder. */
export function policiesFolder(file: string | null, config: Config): PoliciesFolder | null {
  const source = policySource(config.policies);
  if (source === undefined) return null;
  return { path: file === null ? source.folder : resolveBeside(file, source.folder), git: source.git };
}

function firstWords(problems: readonly ConfigProblem[]): string {
  const [first] = problems;
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
  return `${first === undefined ? 'it is not valid' : formatProblem(first)}${more}`;
}

function pick(config: Config, keys: readonly (keyof Config)[]): Partial<Config> {
  return Object.fromEntries(keys.map((key) => [key, config[key]]));
}
