import type { PolicyFile, PublicationView } from '../../api/shapes.ts';

/** What is being edited: policy files and the schema. */
export interface Draft {
  readonly schema: string;
  readonly policies: readonly PolicyFile[];
}

/** The name under which the schema stands among the files. */
export const schemaName = 'schema.cedarschema';

/** A file as it was and as it is; null where it did not or does not exist. */
export interface FileChange {
  readonly file: string;
  readonly before: string | null;
  readonly after: string | null;
}

const byFile = (draft: Draft) =>
  new Map<string, string>([
    ...draft.policies.map((policy) => [policy.file, policy.text] as const),
    [schemaName, draft.schema] as const,
  ]);

/** What changed between two drafts, by file name. */
export function changesBetween(before: Draft, after: Draft): FileChange[] {
  const old = byFile(before);
  const fresh = byFile(after);
  return [...new Set([...old.keys(), ...fresh.keys()])]
    .toSorted()
    .map((file) => ({ file, before: old.get(file) ?? null, after: fresh.get(file) ?? null }))
    .filter((change) => change.before !== change.after);
}

/** Sets the text of a file (or of the schema), adding it in its place by name. */
export function withText(draft: Draft, { file, text }: PolicyFile): Draft {
  if (file === schemaName) return { ...draft, schema: text };
  const others = draft.policies.filter((policy) => policy.file !== file);
  return { ...draft, policies: [...others, { file, text }].toSorted((a, b) => (a.file < b.file ? -1 : 1)) };
}

/** Takes a file out. */
export function withoutFile(draft: Draft, file: string): Draft {
  return { ...draft, policies: draft.policies.filter((policy) => policy.file !== file) };
}

/** The text of a file or of the schema. */
export function textOf(draft: Draft, file: string): string | undefined {
  return byFile(draft).get(file);
}

/**
 * Carries my changes over to what somebody else published meanwhile: theirs wherever I changed nothing, mine where I
 * did. Files that both changed are named, so that a person looks at them.
 */
export function carryOver(base: Draft, mine: Draft, theirs: Draft): { draft: Draft; both: string[] } {
  const theirChanges = new Set(changesBetween(base, theirs).map((change) => change.file));
  let draft = theirs;
  const both: string[] = [];
  for (const { file, after } of changesBetween(base, mine)) {
    if (theirChanges.has(file) && textOf(theirs, file) !== (after ?? undefined)) both.push(file);
    draft = after === null ? withoutFile(draft, file) : withText(draft, { file, text: after });
  }
  return { draft, both };
}

/** Why a new file cannot be called this, or undefined. */
export function fileNameProblem(draft: Draft, file: string): string | undefined {
  if (!/^[a-z0-9][a-z0-9_-]*(?:\/[a-z0-9][a-z0-9_-]*)*\.cedar$/.test(file)) {
    return 'Lower-case letters, digits, - and _, ending in .cedar, such as finance.cedar.';
  }
  return textOf(draft, file) === undefined ? undefined : 'There is one by that name.';
}

/** The draft that a publication holds. */
export function draftOf(publication: PublicationView): Draft {
  return { schema: publication.schema, policies: publication.policies };
}
