import { z } from 'zod';
import { gitOriginSchema, policyStateSchema } from '#foundation/model';
import { buildCompactJws } from './compact-jws.ts';
import { SigningError } from './signing-error.ts';
import type { SigningKey } from './signing-key.ts';

const digest = z.string().regex(/^[A-Za-z0-9_-]{43}$/);
const count = z.int().min(0);

const namedPolicy = { id: z.string().min(1).max(300), hash: digest };
const [shadow, staged] = policyStateSchema.options;
/** A policy and its state. A state we do not know is one we do not sign. */
const signedPolicy = z.discriminatedUnion('state', [
  z.strictObject({ ...namedPolicy, state: z.literal('enforced') }),
  shadow.extend(namedPolicy),
  staged.extend(namedPolicy),
]);

/** Every kind of statement, field by field. A field we cannot read is a statement we do not sign. */
const statementSchemas = {
  snapshot: z.strictObject({ epoch: count, revision: count, factCount: count, digest }),
  publication: z.strictObject({
    sequence: z.int().positive(),
    /** SHA-256 of the schema text and of each policy's text. */
    schemaHash: digest,
    /** SHA-256 of the parsed form, which is what gateways compile. */
    parsedHash: digest,
    /** SHA-256 of the texts of tests and invariants. */
    checksHash: digest.optional(),
    commit: gitOriginSchema.shape.commit.optional(),
    policies: z.array(signedPolicy).max(10_000),
    author: z.string().max(300),
    publishedAt: count,
  }),
  checkpoint: z.strictObject({
    writer: z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/),
    size: count,
    rootHash: digest,
    time: count,
  }),
} as const;

export type StatementPurpose = keyof typeof statementSchemas;

/** `typ` of a statement: a snapshot can never pass for a publication. */
export function statementType(purpose: StatementPurpose): string {
  return `nullius-${purpose}+jws`;
}

/** Signs a statement of our own. Gives the compact JWS. Throws SigningError `refused`. */
export function signStatement(request: { purpose: StatementPurpose; statement: unknown }, key: SigningKey): string {
  const parsed = statementSchemas[request.purpose].safeParse(request.statement);
  if (!parsed.success) {
    const at = parsed.error.issues[0]?.path.join('.') ?? '';
    throw new SigningError(
      'refused',
      `the ${request.purpose} statement is not as agreed${at === '' ? '' : ` at \`${at}\``}`,
    );
  }
  return buildCompactJws(key, { typ: statementType(request.purpose), payload: parsed.data });
}
