import { z } from 'zod';
import { type FactKind, type FactOf, type FactRow, factSchemas } from '#foundation/model';
import { InventoryError } from './inventory-error.ts';

const factIdBytesMax = 200;

const headSchema = z.strictObject({
  kind: z.enum(Object.keys(factSchemas) as [FactKind, ...FactKind[]]),
  id: z.string(),
  revision: z.int().min(1),
  body: z.unknown(),
});

/** A name of a kind of fact, as it comes from outside. */
export function isFactKind(text: string): text is FactKind {
  return Object.hasOwn(factSchemas, text);
}

/**
 * Is this text fit to be a fact's id? 1 to 200 bytes of well-formed Unicode without control characters, because ids
 * travel through databases (PostgreSQL refuses NUL), URLs, log lines and Cedar text.
 */
export function isFactId(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  const control = /[\u0000-\u001f\u007f-\u009f]/;
  return text !== '' && text.isWellFormed() && !control.test(text) && Buffer.byteLength(text) <= factIdBytesMax;
}

/**
 * Parses the body of a fact of a known kind. Throws InventoryError `invalid-fact` that names the kind, the id and the
 * first members that are wrong, without quoting their values (they may be hashes).
 */
export function parseFactBody<K extends FactKind>(kind: K, id: string, body: unknown): FactOf<K> {
  if (!isFactId(id))
    throw new InventoryError('invalid-fact', `\`${kind}\` has an id that is empty, too long or unprintable`);
  const parsed = factSchemas[kind].safeParse(body);
  if (parsed.success) return parsed.data as FactOf<K>;
  const where = parsed.error.issues.slice(0, 5).map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`);
  throw new InventoryError('invalid-fact', `\`${kind}\` \`${id}\` is not valid: ${where.join('; ')}`);
}

/** Parses a fact row that came over a wire or from a file. Throws InventoryError `invalid-fact`. */
export function parseFactRow(value: unknown): FactRow {
  const head = headSchema.safeParse(value);
  if (!head.success) throw new InventoryError('invalid-fact', 'a fact row needs kind, id, revision and body');
  const { kind, id, revision, body } = head.data;
  if (!isFactId(id))
    throw new InventoryError('invalid-fact', `\`${kind}\` has an id that is empty, too long or unprintable`);
  return { kind, id, revision, body: body === null ? null : parseFactBody(kind, id, body) };
}
