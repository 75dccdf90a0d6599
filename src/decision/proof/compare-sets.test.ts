import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { compilePolicySet, type PolicySet } from '#decision/engine';
import { parsePolicySet } from '#decision/parser';
import { startZ3 } from '../../shell/prover/z3-solver.ts';
import { analyseSet } from './analyse-set.ts';
import { compareSets } from './compare-sets.ts';
import { doorOf } from './invariant.ts';
import { body, Dice, exactPolicy, fuzzSchema, randomRequest } from './random-case.fuzz.ts';

/** `NULLIUS_PROOF_RUNS`: how many pairs of sets; the recorded number stands in the README. */
const runs = Number(process.env['NULLIUS_PROOF_RUNS'] ?? 12);
const firstSeed = Number(process.env['NULLIUS_PROOF_SEED'] ?? 1);
const attacksEach = 150;

let solver: Awaited<ReturnType<typeof startZ3>>;
before(async () => {
  solver = await startZ3({ checkMsMax: 120_000 });
});
after(() => solver.close());

const { set: emptySet } = parsePolicySet({ policies: [], schema: fuzzSchema });

function setOf(texts: readonly string[]): PolicySet {
  assert.ok(emptySet !== undefined);
  const entries = texts.map((text, index) => {
    return [`p${index}`, { file: 'a.cedar', line: index + 1, text, json: exactPolicy(text) }] as const;
  });
  return { ...emptySet, policies: new Map(entries) };
}

function randomTexts(dice: Dice): string[] {
  return ['permit', 'permit', 'forbid'].map((effect) => `${effect} ${body(dice, 2)}`);
}

test('compareSets() calls nothing equivalent that a random request tells apart, and each of its examples stands in both engines', async () => {
  const counts: Record<string, number> = {};
  for (let seed = firstSeed; seed < firstSeed + runs; seed += 1) {
    const dice = new Dice(seed);
    const texts = randomTexts(dice);
    // Mostly one policy changes, as when somebody edits; now and then none does but in its order.
    const changed =
      dice.below(4) === 0
        ? [...texts].reverse()
        : texts.map((text, index) => (index === 0 ? `permit ${body(dice, 2)}` : text));
    const [old, next] = [setOf(texts), setOf(changed)];
    const { verdict, gained, lost } = await compareSets({ before: old, after: next }, { solver });
    counts[verdict] = (counts[verdict] ?? 0) + 1;
    const [oldDoor, newDoor] = [doorOf(old), doorOf(next)];
    const where = `seed ${seed}`;
    for (let count = 0; count < attacksEach; count += 1) {
      const request = randomRequest(dice);
      const [was, is] = [oldDoor(request).isAllowed, newDoor(request).isAllowed];
      if (was && !is) assert.notEqual(lost.kind, 'none', where);
      if (!was && is) assert.notEqual(gained.kind, 'none', where);
    }
    for (const [way, found] of [
      ['gained', gained],
      ['lost', lost],
    ] as const) {
      if (found.kind === 'undecided') assert.doesNotMatch(found.why, /not confirmed/, where);
      if (found.kind !== 'some') continue;
      assert.equal(oldDoor(found.example.request).isAllowed, way === 'lost', where);
      assert.equal(newDoor(found.example.request).isAllowed, way === 'gained', where);
    }
  }
  if (process.env['NULLIUS_PROOF_RUNS'] !== undefined) console.log(counts);
});

test('analyseSet() calls nothing dead, shadowed or redundant that a random request sees at work', async () => {
  const counts: Record<string, number> = {};
  for (let seed = firstSeed; seed < firstSeed + runs; seed += 1) {
    const dice = new Dice(seed);
    const set = setOf([...randomTexts(dice), `permit ${body(dice, 1)}`]);
    const findings = await analyseSet(set, { solver });
    const door = doorOf(set);
    const without = new Map(
      findings.map(({ id }) => [
        id,
        doorOf({ ...set, policies: new Map([...set.policies].filter(([key]) => key !== id)) }),
      ]),
    );
    const alone = new Map(
      findings.map(({ id }) => {
        const policy = set.policies.get(id);
        assert.ok(policy !== undefined);
        return [id, compilePolicySet({ ...set, policies: new Map([[id, policy]]) })];
      }),
    );
    for (const { kind } of findings) counts[kind] = (counts[kind] ?? 0) + 1;
    for (let count = 0; count < attacksEach; count += 1) {
      const request = randomRequest(dice);
      for (const { id, kind, effect } of findings) {
        const where = `seed ${seed} ${id} ${kind}`;
        if (kind === 'undecided') continue;
        assert.equal(without.get(id)?.(request).isAllowed, door(request).isAllowed, where);
        const decision = alone.get(id)?.decide(request);
        if (kind === 'dead') assert.deepEqual([decision?.reasons, decision?.errors], [[], []], where);
        if (kind === 'shadowed' && effect === 'permit' && decision?.reasons.length === 1)
          assert.equal(door(request).isAllowed, false, where);
      }
    }
  }
  if (process.env['NULLIUS_PROOF_RUNS'] !== undefined) console.log(counts);
});

const schema = `
entity Group in [Group];
entity User in [Group] { level: Long };
entity App;
action read appliesTo { principal: [User], resource: [App], context: { n: Long, deep: Set<Set<Long>> } };
`;

function parse(text: string): PolicySet {
  const { set, problems } = parsePolicySet({ policies: [{ file: 'a.cedar', text }], schema });
  assert.ok(set !== undefined, JSON.stringify(problems));
  return set;
}

test('compareSets() says which way a change goes, and that a rewriting changes nothing', async () => {
  const wide = parse('@id("p") permit (principal, action, resource) when { principal.level >= 2 };');
  const narrow = parse('@id("p") permit (principal, action, resource) when { principal.level > 2 };');
  const rewritten = parse('@id("q") permit (principal, action, resource) unless { !(2 <= principal.level) };');
  const verdict = async (before: PolicySet, after: PolicySet) =>
    (await compareSets({ before, after }, { solver })).verdict;
  assert.equal(await verdict(wide, narrow), 'less-permissive');
  assert.equal(await verdict(narrow, wide), 'more-permissive');
  assert.equal(await verdict(wide, rewritten), 'equivalent');
  const other = parse('@id("p") permit (principal in Group::"a", action, resource);');
  assert.equal(await verdict(wide, other), 'both');
});

test('compareSets() does not find that a policy it cannot encode differs from itself', async () => {
  const text = '@id("p") permit (principal, action, resource) when { context.deep.contains([1]) };';
  const same = await compareSets({ before: parse(text), after: parse(text) }, { solver });
  assert.equal(same.verdict, 'equivalent');
  const changed = text.replace('[1]', '[2]');
  const different = await compareSets({ before: parse(text), after: parse(changed) }, { solver });
  assert.equal(different.verdict, 'undecided');
});

test('analyseSet() names the dead, the shadowed and the redundant, and leaves the rest alone', async () => {
  const set = parse(`
    @id("base") permit (principal in Group::"staff", action, resource);
    @id("dead") permit (principal, action, resource) when { context.n > 3 && context.n < 4 };
    @id("shadowed") permit (principal, action, resource) when { principal.level < 0 };
    @id("redundant") permit (principal in Group::"staff", action, resource) when { context.n == 1 };
    @id("guard") forbid (principal, action, resource) when { principal.level < 0 };
    @id("errs") forbid (principal, action, resource) when { principal.level * 2 == 1 };`);
  const findings = await analyseSet(set, { solver });
  assert.deepEqual(
    findings.map(({ id, kind }) => `${id} ${kind}`),
    ['dead dead', 'shadowed shadowed', 'redundant redundant'],
  );
});
