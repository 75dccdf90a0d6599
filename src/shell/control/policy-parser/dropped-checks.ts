import { type PolicyTest, readPolicyTests, TestFileError } from '#decision/analysis';
import type { PolicySource } from '#decision/engine';
import { type ParsedInvariant, parseInvariants } from '#decision/parser';

/** Tests and invariants as they stand beside a policy set, with its schema. */
export interface Checks {
  readonly schema: string;
  readonly tests: readonly PolicySource[];
  readonly invariants: readonly PolicySource[];
}

/**
 * What guarded the policies before and does not any more, a sentence each: invariants that do not stand word for word as they did, and tests
 * whose name is gone. What could not be read before guarded nothing.
 */
export function droppedChecks(before: Checks, after: Checks): string[] {
  return [...droppedInvariants(before, after), ...droppedTests(before, after)];
}

/** What an invariant says, whatever it is called and wherever it stands. */
const meaningOf = ({ kind, policy }: ParsedInvariant): string => {
  const { principal, action, resource, conditions } = policy;
  const said = [kind, principal, action, resource, conditions];
  return JSON.stringify(said, (_name, value) => (typeof value === 'bigint' ? `${value}n` : value));
};

function byFile({ invariants, schema }: Checks): Map<string, ParsedInvariant[]> {
  const files = new Map<string, ParsedInvariant[]>();
  if (invariants.length === 0) return files;
  for (const each of parseInvariants(invariants, schema).invariants)
    files.set(each.file, [...(files.get(each.file) ?? []), each]);
  return files;
}

/** An assumption holds for the whole of its file, so one more of them makes every invariant there say less. */
function droppedInvariants(before: Checks, after: Checks): string[] {
  const split = (all: readonly ParsedInvariant[]) => ({
    stated: all.filter(({ kind }) => kind !== 'assume'),
    assumed: new Set(all.filter(({ kind }) => kind === 'assume').map(meaningOf)),
  });
  const now = [...byFile(after).values()].map(split);
  const isKept = (invariant: ParsedInvariant, assumed: ReadonlySet<string>) =>
    now.some(
      (file) =>
        [...file.assumed].every((each) => assumed.has(each)) &&
        file.stated.some((each) => meaningOf(each) === meaningOf(invariant)),
    );
  return [...byFile(before).values()]
    .map(split)
    .flatMap(({ stated, assumed }) =>
      stated
        .filter((each) => !isKept(each, assumed))
        .map(({ id, file }) => `invariant \`${id}\` (${file}) does not stand any more as it was published`),
    );
}

/** Undefined: they cannot be read. */
function testsOf({ tests }: Checks): PolicyTest[] | undefined {
  try {
    return tests.length === 0 ? [] : readPolicyTests(tests);
  } catch (error) {
    if (error instanceof TestFileError) return undefined;
    throw error;
  }
}

function droppedTests(before: Checks, after: Checks): string[] {
  const now = testsOf(after);
  // The gate of tests says where they are wrong.
  if (now === undefined) return [];
  const names = new Set(now.map(({ name }) => name));
  return (testsOf(before) ?? [])
    .filter(({ name }) => !names.has(name))
    .map(({ name, file }) => `test \`${name}\` (${file}) is gone`);
}
