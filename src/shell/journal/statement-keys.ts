import { existsSync, readFileSync } from 'node:fs';
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

/** Reads a JWK set of public keys. Throws LogError `not-found` or `invalid`. */
export function readStatementKeys(path: string): JWK[] {
  if (!existsSync(path))
    throw new LogError(
      'not-found',
      `there are no statement keys at \`${path}\`; give a file that was kept elsewhere with --keys`,
    );
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
