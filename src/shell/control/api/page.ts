import { z } from 'zod';
import { fromBase64url, toBase64url } from '#foundation/encoding';
import { problem } from './problem.ts';

export const pageLimitMax = 200;

/** Query members of every list. */
export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(pageLimitMax).default(50),
  cursor: z.string().max(1000).optional(),
};

/** The shape of every list. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item), next: z.string().nullable() });
}

/**
 * Cuts a page out of items. The cursor holds the sort key of the last item given, so that a list that changes meanwhile neither
 * repeats nor skips what stayed. Keys must be unique.
 */
export function paginate<T>(
  items: Iterable<T>,
  options: { readonly limit: number; readonly cursor: string | undefined; readonly keyOf: (item: T) => string },
): { items: T[]; next: string | null } {
  const after = options.cursor === undefined ? undefined : readCursor(options.cursor);
  const rest = [...items]
    .map((item) => ({ item, key: options.keyOf(item) }))
    .filter(({ key }) => after === undefined || key > after)
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  const page = rest.slice(0, options.limit);
  const last = page.at(-1);
  const next = rest.length > page.length && last !== undefined ? cursorAfter(last.key) : null;
  return { items: page.map(({ item }) => item), next };
}

/** The cursor that goes on after this sort key. */
export function cursorAfter(key: string): string {
  return toBase64url(Buffer.from(key));
}

function readCursor(cursor: string): string {
  const bytes = fromBase64url(cursor);
  if (bytes === undefined)
    throw problem(400, 'invalid-cursor', 'the cursor is not one this list gave; start from the first page');
  return Buffer.from(bytes).toString('utf8');
}

/** A sort key for newest first: later times sort before earlier ones, ties by id. */
export function newestFirst(time: number, id: string): string {
  return `${String(Number.MAX_SAFE_INTEGER - time).padStart(16, '0')} ${id}`;
}
