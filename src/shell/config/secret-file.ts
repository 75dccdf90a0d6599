import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Report } from './document.ts';

/** Where a key of the configuration stands, and what tells the operator about it. */
export interface FileContext {
  readonly file: string;
  readonly report: Report;
}

/** Paths in the file are relative to the file. */
export function resolveBeside(configFile: string, path: string): string {
  return resolve(dirname(configFile), path);
}

/** A secret from its file, without the new line that editors leave. Without a configuration file paths are the process's own. */
export function readSecret(configFile: string | null, path: string): string {
  return readFileSync(configFile === null ? path : resolveBeside(configFile, path), 'utf8').trimEnd();
}

export function checkFile(path: readonly PropertyKey[], file: string, context: FileContext): boolean {
  if (existsSync(resolveBeside(context.file, file))) return true;
  context.report(path, `no file \`${file}\`; paths are relative to the configuration file`);
  return false;
}

export function checkSecretFile(path: readonly PropertyKey[], file: string, context: FileContext): void {
  if (!checkFile(path, file, context)) return;
  if ((statSync(resolveBeside(context.file, file)).mode & 0o077) !== 0) {
    context.report(path, `\`${file}\` can be read by others on this machine; run \`chmod 600\` on it`);
  }
}
