import type { FactKind } from '#foundation/model';

/**
 * Kinds whose old versions must not survive them: erasing a journal key erases what it sealed, in every version; drafts are saved often
 * and judged by nobody.
 */
export const unversionedKinds: ReadonlySet<FactKind> = new Set<FactKind>(['journal-key', 'policy-draft']);

/** Kinds whose versions are kept beyond the retention: who was allowed what, under which policy, stays answerable. */
export const keptKinds: ReadonlySet<FactKind> = new Set<FactKind>(['publication']);
