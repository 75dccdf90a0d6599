import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config/index.ts';

/**
 * The configuration in force, kept for as long as this `nullius up` runs (its supervisor removes it at the start): a control
 * process that starts again goes on with it when the file on disk is no good by then.
 */
export class ConfigInForce {
  readonly #path: string;

  constructor(dataDirectory: string) {
    this.#path = join(dataDirectory, 'run', 'config-in-force.json');
  }

  /** What an earlier control process of this run worked with; written by ourselves into a private folder, so taken as typed. */
  read(): Config | undefined {
    try {
      return JSON.parse(readFileSync(this.#path, 'utf8')) as Config;
    } catch {
      return undefined;
    }
  }

  /** Keeps it. It may carry the password of a database URL, so nobody else may read it. Throws what the file system throws. */
  keep(config: Config): void {
    writeFileSync(`${this.#path}.new`, JSON.stringify(config), { mode: 0o600 });
    renameSync(`${this.#path}.new`, this.#path);
  }
}
