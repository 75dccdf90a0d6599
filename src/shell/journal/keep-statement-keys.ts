// Imported by the supervisor, which stays small: no schema library, nothing of the journal.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JWK } from 'jose';

/** Where the public halves of the statement keys are kept, as a JWK set (RFC 7517). */
export function statementKeysFile(dataDirectory: string): string {
  return join(dataDirectory, 'statement-keys.json');
}

/**
 * Adds the signer's public statement keys to those kept: checkpoints signed before a rotation must stay checkable.
 * Throws when the file holds anything but a JWK set, which is left as it is.
 */
export function keepStatementKeys(dataDirectory: string, keys: readonly JWK[]): void {
  const path = statementKeysFile(dataDirectory);
  const kept = readKept(path);
  const fresh = keys.filter((key) => !kept.some((known) => known.kid === key.kid));
  if (fresh.length === 0) return;
  writeFileSync(`${path}.new`, `${JSON.stringify({ keys: [...kept, ...fresh] }, null, 2)}\n`, {
    mode: 0o600,
    flush: true,
  });
  renameSync(`${path}.new`, path);
}

function readKept(path: string): readonly JWK[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null || !('keys' in value) || !Array.isArray(value.keys))
    throw new Error('not a JWK set');
  return value.keys;
}
