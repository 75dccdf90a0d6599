import type { PolicyTest } from '#decision/analysis';
import type { DecisionRequest, EntityJson } from '#decision/engine';
import { canonicalJson } from '#foundation/encoding';
import { formatUid } from '#foundation/model';

/** Equal for equal Cedar JSON, whatever the order of members. */
function textOf(value: unknown): string {
  const plain = JSON.stringify(value, (_name, each) => (typeof each === 'bigint' ? `${each}n` : each));
  return canonicalJson(JSON.parse(plain));
}

/** Uids of entities that a value speaks of; a record that merely looks like one counts as well. */
function uidsIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const { type, id } = value as { type?: unknown; id?: unknown };
  const here = typeof type === 'string' && typeof id === 'string' ? [formatUid({ type, id })] : [];
  return [...here, ...Object.values(value).flatMap(uidsIn)];
}

interface AskedQuestion {
  readonly head: string;
  readonly entities: ReadonlyMap<string, string>;
  /** Uids that the question leads to, by attributes and parents. */
  readonly reached: ReadonlySet<string>;
}

function questionOf({ principal, action, resource, context, entities }: DecisionRequest): AskedQuestion {
  const head = { principal, action, resource, context };
  const byUid = new Map<string, EntityJson>(entities.map((each) => [formatUid(each.uid), each]));
  const reached = new Set(uidsIn(head));
  // A set goes on over what is added to it meanwhile.
  for (const uid of reached) for (const next of uidsIn(byUid.get(uid))) reached.add(next);
  const texts = new Map([...byUid].map(([uid, entity]) => [uid, textOf(entity)]));
  return { head: textOf(head), entities: texts, reached };
}

/** More entities may stand beside a question that leads to none of them: tests of one file share theirs. */
function isSame(before: AskedQuestion, after: AskedQuestion): boolean {
  return (
    before.head === after.head &&
    [...before.entities].every(([uid, text]) => after.entities.get(uid) === text) &&
    [...after.reached].every((uid) => after.entities.get(uid) === before.entities.get(uid))
  );
}

/**
 * Tests that do not stand any more, a sentence each: those whose question nobody asks now, whatever they are called, and those that expected a
 * refusal where a permission is expected now. That a permission is refused now, or by which policies it is decided, is what changes are made for.
 */
export function weakenedTests(before: readonly PolicyTest[], after: readonly PolicyTest[]): string[] {
  const now = new Map<string, { question: AskedQuestion; test: PolicyTest }[]>();
  for (const test of after) {
    const question = questionOf(test.request);
    now.set(question.head, [...(now.get(question.head) ?? []), { question, test }]);
  }
  return before.flatMap(({ name, file, request, decision }) => {
    const question = questionOf(request);
    const same = (now.get(question.head) ?? []).filter((each) => isSame(question, each.question));
    if (same.length === 0) return [`test \`${name}\` (${file}) is gone, or asks something else`];
    const isKept = decision === 'allow' || same.some(({ test }) => test.decision !== 'allow');
    return isKept ? [] : [`test \`${name}\` (${file}) expected \`${decision}\`, and expects \`allow\` now`];
  });
}
