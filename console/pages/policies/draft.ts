import type { PolicyFile } from '../../api/shapes.ts';

/** The files of a policy set beside its schema, by what they are for. */
export const fileKinds = ['policies', 'tests', 'invariants'] as const;
export type FileKind = (typeof fileKinds)[number];

/** What is being edited: policies, what must be so of them, and the schema. */
export type Draft = { readonly schema: string } & { readonly [Kind in FileKind]: readonly PolicyFile[] };

/** The name under which the schema stands among the files. */
export const schemaName = 'schema.cedarschema';

const endings: Readonly<Record<FileKind, string>> = {
  policies: '.cedar',
  tests: '.test.yaml',
  invariants: '.invariants',
};

/** What a file is for: where it stands, and for a new one what its name says. */
export function kindOf(draft: Draft, file: string): FileKind {
  const standing = fileKinds.find((kind) => draft[kind].some((each) => each.file === file));
  return standing ?? fileKinds.find((kind) => file.endsWith(endings[kind])) ?? 'policies';
}

/** A file as it was and as it is; null where it did not or does not exist. */
export interface FileChange {
  readonly file: string;
  readonly before: string | null;
  readonly after: string | null;
}

const byFile = (draft: Draft) =>
  new Map<string, string>([
    ...fileKinds.flatMap((kind) => draft[kind]).map(({ file, text }) => [file, text] as const),
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
  const kind = kindOf(draft, file);
  const others = draft[kind].filter((each) => each.file !== file);
  return { ...draft, [kind]: [...others, { file, text }].toSorted((a, b) => (a.file < b.file ? -1 : 1)) };
}

/** Takes a file out. */
export function withoutFile(draft: Draft, file: string): Draft {
  const kind = kindOf(draft, file);
  return { ...draft, [kind]: draft[kind].filter((each) => each.file !== file) };
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

/** A name as somebody types it: without an ending it is a policy's. */
export function fullName(typed: string): string {
  const name = typed.trim();
  return name === '' || fileKinds.some((kind) => name.endsWith(endings[kind])) ? name : `${name}${endings.policies}`;
}

/** Why a new file cannot be called this, or undefined. */
export function fileNameProblem(draft: Draft, file: string): string | undefined {
  if (!/^[a-z0-9][a-z0-9_-]*(?:\/[a-z0-9][a-z0-9_-]*)*(?:\.cedar|\.test\.yaml|\.invariants)$/.test(file)) {
    return 'Lower-case letters, digits, - and _, ending in .cedar, .test.yaml or .invariants, such as finance.cedar.';
  }
  return textOf(draft, file) === undefined ? undefined : 'There is one by that name.';
}

const newTexts: Readonly<Record<FileKind, string>> = {
  policies: `// Say whom this is for, and why.
@id("")
@description("")
permit (
  principal in Group::"",
  action == Action::"read",
  resource == App::""
);
`,
  tests: `# A request, its facts, and what a door shall answer.
entities:
  - { uid: 'User::"ada"', attrs: { name: ada, email: '', status: active, source: local }, parents: ['Group::"everyone"'] }
  - { uid: 'App::"wiki"', attrs: { origin: api, requestable: true, sensitivity: medium } }
context:
  method: GET
  host: wiki.example.com
  path: /
  route: default
  address: 192.0.2.1
  tls: true
  now: '2026-01-31T12:00:00Z'
  noun: ''
  session: { present: true, credential: passkey, phishingResistant: true, authAgeSeconds: 60, bound: true, provider: local }
  device: { known: false, compliance: unknown }
  token: { present: false, scopes: [] }
  grants: []
tests:
  - name: ada may not read the wiki
    principal: 'User::"ada"'
    action: 'Action::"read"'
    resource: 'App::"wiki"'
    decision: deny
`,
  invariants: `// What must stay so for every request, whatever policies and facts become.
@id("")
@description("")
never (
  principal in Group::"",
  action in Action::"access",
  resource in Segment::""
);
`,
};

/** What a new file begins with. */
export const newTextOf = (draft: Draft, file: string): string => newTexts[kindOf(draft, file)];

/** The draft that a publication, or a draft that was kept, holds. */
export function draftOf({ schema, policies, tests, invariants }: Draft): Draft {
  return { schema, policies, tests, invariants };
}
