import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compilePattern } from '#decision/engine';
import { parseInvariants, parsePolicySet } from '#decision/parser';
import { startZ3 } from '../../shell/prover/z3-solver.ts';
import { factsOfPairs } from './like-pairs.ts';
import type { LikeFact } from './like-words.ts';
import type { Meaning } from './meaning.ts';
import { proveInvariants } from './prove-invariants.ts';
import { type PatternPart, Terms, textSort } from './term.ts';
import { writeSmt } from './write-smt.ts';

const schema = `
entity User;
entity App;
action read appliesTo { principal: User, resource: App, context: { path: String } };
`;
/** So long that what it decides does not depend on how busy the machine is. */
const checkMsMax = 120_000;
const many = (count: number, of: (index: number) => string) => Array.from({ length: count }, (_, index) => of(index));
const like = (pattern: string) => `context.path like "${pattern}"`;

/** What is said of an invariant, and how often the solver was asked. Each check takes so much of the question's time. */
async function proveCounted({ permit, never, msEach = 0 }: { permit: string; never: string; msEach?: number }) {
  const { set } = parsePolicySet({
    policies: [{ file: 'a.cedar', text: `@id("p") permit (principal, action, resource) when { ${permit} };` }],
    schema,
  });
  const text = `@id("i") never (principal, action, resource) when { ${never} };`;
  const { invariants } = parseInvariants([{ file: 'a.invariants', text }], schema);
  assert.ok(set !== undefined);
  const counted = { checks: 0 };
  const z3 = await startZ3({ checkMsMax, monotonicClock: () => counted.checks * msEach });
  const check = async (script: string, isMore?: boolean) => {
    const answer = await z3.check(script, isMore);
    counted.checks += 1;
    return answer;
  };
  try {
    const [result] = await proveInvariants({ set, invariants }, { solver: { ...z3, check } });
    return { outcome: result?.outcome, checks: counted.checks };
  } finally {
    z3.close();
  }
}

test('many prefixes that exclude each other are told before the solver chooses', async () => {
  const permit = many(23, (index) => like(`/a${index}/*`)).join(' || ');
  const disjoint = await proveCounted({ permit, never: many(23, (index) => like(`/b${index}/*`)).join(' || ') });
  // One for the invariant, and few to find that it speaks of something.
  assert.equal(disjoint.outcome, 'holds');
  assert.ok(disjoint.checks < 10, `${disjoint.checks}`);
  const within = await proveCounted({ permit, never: many(23, (index) => `!(${like(`/a${index}*`)})`).join(' && ') });
  assert.deepEqual(within, { outcome: 'holds', checks: 2 });
  const open = await proveCounted({ permit, never: many(23, (index) => like(`/a${index}*b`)).join(' || ') });
  assert.equal(open.outcome, 'counterexample');
});

test('what only more than two patterns exclude is told a question one by one, until its time is over', async () => {
  const [heads, tails] = [many(6, (index) => `/a${index}*`), many(6, (index) => `*z${index}`)];
  const texts = {
    permit: `(${heads.map(like).join(' || ')}) && (${tails.map(like).join(' || ')})`,
    never: heads.flatMap((head) => tails.map((tail) => `!(${like(head + tail.slice(1))})`)).join(' && '),
  };
  const free = await proveCounted(texts);
  assert.ok(free.outcome === 'holds' && free.checks > 30, JSON.stringify(free));
  const bounded = await proveCounted({ ...texts, msEach: checkMsMax / 10 });
  assert.deepEqual(bounded, { outcome: 'undecided', checks: 10 });
});

test('what pairs exclude is told of one text alone, and the engine finds no short text that says otherwise', () => {
  const texts = [''];
  for (let at = 0; (texts[at]?.length ?? 9) < 7; at += 1) for (const each of 'abx') texts.push(`${texts[at]}${each}`);
  const patterns = ['a*', 'ab*', '*b', 'ab', '*a*', 'b*a', '*', '', 'a*b', '*ab*', 'b*', '*bb*', 'a**b'].map(
    (each): readonly PatternPart[] => [...each].map((part) => (part === '*' ? 'Wildcard' : { Literal: part })),
  );
  const terms = new Terms<Meaning>();
  const [one, other] = ['one', 'other'].map((name) =>
    terms.apply(terms.symbol(name, () => ({ parameters: [], sort: textSort, meaning: { kind: 'principal' } }))),
  );
  assert.ok(one !== undefined && other !== undefined);
  const likes = [...patterns.map((each) => terms.like(one, each)), terms.like(other, [{ Literal: 'c' }])];
  const said: (readonly LikeFact[])[] = [];
  const script = writeSmt([terms.or(...likes)]);
  factsOfPairs({
    ...script,
    never: (facts, subjects) => {
      assert.deepEqual(subjects, [one]);
      said.push(facts);
      return '';
    },
  });
  for (const facts of said)
    for (const text of texts)
      assert.ok(!facts.every(({ pattern, isLike }) => compilePattern(pattern)(text) === isLike), JSON.stringify(facts));
  const isTold = (...facts: LikeFact[]) =>
    said.some((each) => each.length === 2 && facts.every((fact) => each.some((its) => isSame(its, fact))));
  const isSame = (a: LikeFact, b: LikeFact) => JSON.stringify(a) === JSON.stringify(b);
  let needed = 0;
  for (const [index, a] of patterns.entries())
    for (const b of patterns.slice(0, index))
      for (const [isA, isB] of [
        [true, true],
        [true, false],
        [false, true],
      ] as const) {
        if (texts.some((text) => compilePattern(a)(text) === isA && compilePattern(b)(text) === isB)) continue;
        needed += 1;
        assert.ok(isTold({ pattern: a, isLike: isA }, { pattern: b, isLike: isB }), JSON.stringify([a, isA, b, isB]));
      }
  assert.ok(needed > 30 && said.length === needed, `${needed} ${said.length}`);
});
