import { type PolicyTest, readPolicyTests, TestFileError } from '#decision/analysis';
import { EntityStore, type PolicySource } from '#decision/engine';
import { type ParsedInvariant, parseInvariants, parsePolicySet } from '#decision/parser';
import { formatUid } from '#foundation/model';
import { weakenedTests } from './kept-tests.ts';

/** Tests and invariants as they stand beside a policy set, with its schema. */
export interface Checks {
  readonly schema: string;
  readonly tests: readonly PolicySource[];
  readonly invariants: readonly PolicySource[];
}

/**
 * What guarded the policies before and does not any more, a sentence each: invariants that do not stand word for word as they did, actions
 * that stand in other groups, and tests that are gone or expect a permission where they expected a refusal. What could not be read before guarded nothing.
 */
export function droppedChecks(before: Checks, after: Checks): string[] {
  return [...droppedInvariants(before, after), ...movedActions(before, after), ...droppedTests(before, after)];
}

/** What an invariant says, whatever it is called and wherever it stands. */
const meaningOf = ({ kind, policy }: ParsedInvariant): string => {
  const { principal, action, resource, conditions } = policy;
  const said = [kind, principal, action, resource, conditions];
  return JSON.stringify(said, (_name, value) => (typeof value === 'bigint' ? `${value}n` : value));
};

/** Undefined where they cannot be read. */
function byFile({ invariants, schema }: Checks): Map<string, ParsedInvariant[]> | undefined {
  const files = new Map<string, ParsedInvariant[]>();
  if (invariants.length === 0) return files;
  const parsed = parseInvariants(invariants, schema);
  if (parsed.problems.some(({ level }) => level === 'error')) return undefined;
  for (const each of parsed.invariants) files.set(each.file, [...(files.get(each.file) ?? []), each]);
  return files;
}

/** An assumption holds for the whole of its file, so one more of them makes every invariant there say less. */
function droppedInvariants(before: Checks, after: Checks): string[] {
  const split = (all: readonly ParsedInvariant[]) => ({
    stated: all.filter(({ kind }) => kind !== 'assume'),
    assumed: new Set(all.filter(({ kind }) => kind === 'assume').map(meaningOf)),
  });
  const [then, readable] = [byFile(before), byFile(after)];
  if (then === undefined || then.size === 0) return [];
  // Where they are wrong is told by the gate `invariants`.
  if (readable === undefined) return ['the invariants cannot be read, so none of those in force stands any more'];
  const now = [...readable.values()].map(split);
  const isKept = (invariant: ParsedInvariant, assumed: ReadonlySet<string>) =>
    now.some(
      (file) =>
        [...file.assumed].every((each) => assumed.has(each)) &&
        file.stated.some((each) => meaningOf(each) === meaningOf(invariant)),
    );
  return [...then.values()]
    .map(split)
    .flatMap(({ stated, assumed }) =>
      stated
        .filter((each) => !isKept(each, assumed))
        .map(({ id, file }) => `invariant \`${id}\` (${file}) does not stand any more as it was published`),
    );
}

/** Actions of a schema, each with the groups above it; none where it cannot be read. */
function actionsOf(schema: string): Map<string, readonly string[]> {
  const { set } = parsePolicySet({ policies: [], schema });
  if (set === undefined) return new Map();
  const store = new EntityStore(set.schemaJson);
  return new Map(
    [...store.actions.keys()].map((action) => [formatUid(action), store.ancestors(action).list.map(formatUid)]),
  );
}

/**
 * Invariants speak of groups of actions, and who belongs to these the schema says: taken out of one, or out of the schema and put back later, an
 * action would escape them word for word. What else a schema says of requests and entities, those that do not fit it are refused by.
 */
function movedActions(before: Checks, after: Checks): string[] {
  if (before.invariants.length === 0 || before.schema === after.schema) return [];
  const [then, now] = [actionsOf(before.schema), actionsOf(after.schema)];
  const among = (groups: readonly string[] | undefined) => groups?.filter((group) => then.has(group)).sort();
  return [...then].flatMap(([action, groups]) =>
    JSON.stringify(among(groups)) === JSON.stringify(among(now.get(action)))
      ? []
      : [`action \`${action}\` is gone from the schema, or stands in other groups, which invariants may speak of`],
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
  return weakenedTests(testsOf(before) ?? [], now);
}
