import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JWK } from 'jose';
import { z } from 'zod';
import { LogError, type VerifyNote } from '#evidence/log';
import { verifyStatementJws } from '#shell/replica';

const fileBytesMax = 262_144;
const keySchema = z
  .looseObject({ kty: z.string(), kid: z.string().min(1), alg: z.string() })
  .refine((key) => !('d' in key), 'a private key');
const fileSchema = z.strictObject({ keys: z.array(keySchema).max(1000) });
const statementSchema = z.strictObject({ writer: z.string(), size: z.int(), rootHash: z.string(), time: z.int() });

/** Where the public halves of the statement keys are kept, as a JWK set (RFC 7517). */
export function statementKeysFile(dataDirectory: string): string {
  return join(dataDirectory, 'statement-keys.json');
}

/** Adds the signer's public statement keys to those kept: checkpoints signed before a rotation must stay checkable. */
export function keepStatementKeys(dataDirectory: string, keys: readonly JWK[]): void {
  const path = statementKeysFile(dataDirectory);
  const kept = existsSync(path) ? readStatementKeys(path) : [];
  const fresh = keys.filter((key) => !kept.some((known) => known.kid === key.kid));
  if (fresh.length === 0) return;
  writeFileSync(`${path}.new`, `${JSON.stringify({ keys: [...kept, ...fresh] }, null, 2)}\n`, {
    mode: 0o600,
    flush: true,
  });
  renameSync(`${path}.new`, path);
}

/** Reads a JWK set of public keys. Throws LogError `not-found` or `invalid`. */
export function readStatementKeys(path: string): JWK[] {
  if (!existsSync(path))
    throw new LogError('not-found', `there are no statement keys at \`${path}\`: give a file with --keys`);
  const text = readFileSync(path, 'utf8');
  let value: unknown;
  try {
    value = text.length > fileBytesMax ? undefined : JSON.parse(text);
  } catch {
    value = undefined;
  }
  const parsed = fileSchema.safeParse(value);
  if (!parsed.success) throw new LogError('invalid', `\`${path}\` is no set of public keys (JWK)`);
  return parsed.data.keys;
}

/** Opens checkpoint notes signed by one of these keys. */
export function noteVerifier(keys: readonly JWK[]): VerifyNote {
  return async (note) => {
    try {
      const statement = await verifyStatementJws(note, { keys, type: 'nullius-checkpoint+jws' });
      return statementSchema.parse(statement);
    } catch {
      return undefined;
    }
  };
}
