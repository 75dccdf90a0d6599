import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { PolicyJson, PolicySet } from '#decision/engine';
import { parseInvariants, parsePolicySet } from '#decision/parser';
import { startZ3 } from '../../shell/prover/z3-solver.ts';
import type { PolicyState } from './enforced-set.ts';
import { doorOf, evaluateInvariant, type Invariant } from './invariant.ts';
import { type ProofResult, proveInvariants } from './prove-invariants.ts';
import { body, Dice, exactPolicy, fuzzSchema, randomRequest } from './random-case.fuzz.ts';

/** `NULLIUS_PROOF_RUNS`: how many sets; the recorded number stands in the README. */
const runs = Number(process.env['NULLIUS_PROOF_RUNS'] ?? 25);
const firstSeed = Number(process.env['NULLIUS_PROOF_SEED'] ?? 1);
const attacksEach = 150;

let solver: Awaited<ReturnType<typeof startZ3>>;
before(async () => {
  solver = await startZ3({ checkMsMax: 120_000 });
});
after(() => solver.close());

const { set: emptySet } = parsePolicySet({ policies: [], schema: fuzzSchema });

function randomSet(dice: Dice): PolicySet {
  assert.ok(emptySet !== undefined);
  const texts = ['permit', 'permit', dice.pick(['permit', 'forbid']), 'forbid'].map(
    (effect) => `${effect} ${body(dice, 2)}`,
  );
  const located = (text: string, line: number) => ({ file: 'a.cedar', line, text, json: exactPolicy(text) });
  return { ...emptySet, policies: new Map(texts.map((text, index) => [`p${index}`, located(text, index + 1)])) };
}

function randomInvariant(dice: Dice, kind: Invariant['kind']): Invariant {
  const policy: PolicyJson = exactPolicy(`permit ${body(dice, 2)}`);
  return { id: kind, kind, description: '', file: 'a.invariants', line: 1, policy };
}

/** A request that breaks an invariant, found by trying. */
function attack(
  invariant: Invariant,
  { set, assumptions, dice }: { set: PolicySet; assumptions: readonly Invariant[]; dice: Dice },
) {
  const door = doorOf(set);
  const spoken = [invariant, ...assumptions].map((each) => evaluateInvariant(each, set));
  for (let count = 0; count < attacksEach; count += 1) {
    const request = randomRequest(dice);
    const isBroken = spoken.every((says) => says(request)) && door(request).isAllowed === (invariant.kind === 'never');
    if (isBroken) return request;
  }
  return undefined;
}

test('proveInvariants() never says holds where a random request breaks it, and each example of the solver stands in the engine', async () => {
  const counts = { holds: 0, counterexample: 0, undecided: 0 };
  for (let seed = firstSeed; seed < firstSeed + runs; seed += 1) {
    const dice = new Dice(seed);
    const set = randomSet(dice);
    const assumptions = dice.below(3) === 0 ? [randomInvariant(dice, 'assume')] : [];
    const invariants = [randomInvariant(dice, 'never'), randomInvariant(dice, 'always'), ...assumptions];
    const results = await proveInvariants({ set, invariants }, { solver });
    for (const result of results) {
      counts[result.outcome] += 1;
      const invariant = invariants.find(({ id }) => id === result.id);
      assert.ok(invariant !== undefined);
      const where = () => `seed ${seed} ${result.id}: ${[...set.policies.values()].map(({ text }) => text).join('\n')}`;
      if (result.outcome === 'holds') assert.equal(attack(invariant, { set, assumptions, dice }), undefined, where());
      if (result.outcome === 'undecided') assert.doesNotMatch(result.why, /not confirmed/, where());
    }
  }
  if (process.env['NULLIUS_PROOF_RUNS'] !== undefined) console.log(counts);
  assert.ok(counts.holds > 0 && counts.counterexample > 0, JSON.stringify(counts));
});

async function proveTexts(texts: { schema: string; policies: string; invariants: string }): Promise<ProofResult[]> {
  const { set, problems } = parsePolicySet({
    policies: [{ file: 'a.cedar', text: texts.policies }],
    schema: texts.schema,
  });
  const parsed = parseInvariants([{ file: 'a.invariants', text: texts.invariants }], texts.schema);
  assert.ok(set !== undefined, JSON.stringify(problems));
  assert.deepEqual(
    parsed.problems.filter(({ level }) => level === 'error'),
    [],
  );
  return await proveInvariants({ set, invariants: parsed.invariants }, { solver });
}

const schema = `
entity Group in [Group];
entity User in [Group] { level: Long, manager?: User, tags: Set<String> };
entity Segment in [Segment];
entity App in [Segment] { owner: User, nested: Set<Set<Long>> };
action read, write appliesTo { principal: [User], resource: [App], context: { n: Long, path: String, address: ipaddr } };
`;
const contractors = `@id("no-contractor") never (principal in Group::"contractors", action == Action::"read", resource in Segment::"pci");`;

test('an invariant over groups and segments holds behind a forbid, and is broken through a nested group without it', async () => {
  const open = '@id("open") permit (principal in Group::"staff", action, resource);';
  const [broken] = await proveTexts({ schema, policies: open, invariants: contractors });
  assert.equal(broken?.outcome, 'counterexample');
  const { request, decision, policies } = broken.counterexample;
  assert.deepEqual([decision, policies, request.action.id], ['allow', ['open'], 'read']);
  const shut = `${open} @id("shut") forbid (principal in Group::"contractors", action, resource in Segment::"pci");`;
  const [held] = await proveTexts({ schema, policies: shut, invariants: contractors });
  assert.deepEqual([held?.outcome, held?.outcome === 'holds' && held.isVacuous], ['holds', false]);
});

test('what is above a group is above its members, whoever stands between', async () => {
  const policies = '@id("p") permit (principal in Group::"inner", action, resource);';
  const nested = '@id("a") assume (principal, action, resource) when { Group::"inner" in Group::"outer" };';
  const never = '@id("n") never (principal, action, resource) unless { principal in Group::"outer" };';
  const [alone] = await proveTexts({ schema, policies, invariants: never });
  assert.equal(alone?.outcome, 'counterexample');
  const [assumed] = await proveTexts({ schema, policies, invariants: `${nested} ${never}` });
  assert.deepEqual([assumed?.outcome, assumed?.assumptions], ['holds', ['a']]);
});

test('a forbid that errors denies, so a permit behind an overflow never opens', async () => {
  const policies = `@id("p") permit (principal, action, resource);
    @id("f") forbid (principal, action, resource) when { principal.level + 1 > 10 };`;
  const never = '@id("n") never (principal, action, resource) when { principal.level == 9223372036854775807 };';
  const [held] = await proveTexts({ schema, policies, invariants: never });
  assert.equal(held?.outcome, 'holds');
  const always = '@id("a") always (principal, action, resource) when { principal.level <= 9 };';
  const [also] = await proveTexts({ schema, policies, invariants: always });
  assert.equal(also?.outcome, 'holds');
});

test('a user who is not in the store has no attributes: a permit behind `has` and an `unless` tell them apart', async () => {
  const policies = '@id("p") permit (principal, action, resource) unless { principal has manager };';
  const never = '@id("n") never (principal, action, resource) unless { principal.level >= 0 || principal.level < 0 };';
  const [broken] = await proveTexts({ schema, policies, invariants: never });
  assert.equal(broken?.outcome, 'counterexample');
  const { principal, entities } = broken.counterexample.request;
  assert.equal(
    entities.some(({ uid }) => uid.type === 'User' && uid.id === principal.id),
    false,
  );
});

test('patterns, addresses, numbers and sets are decided together', async () => {
  const policies = `@id("p") permit (principal, action, resource)
    when { context.path like "/public/*" && context.address.isInRange(ip("10.1.0.0/16")) && principal.tags.containsAll(["a", "b"]) };`;
  const invariants = `
    @id("range") never (principal, action, resource) unless { context.address.isInRange(ip("10.0.0.0/8")) };
    @id("path") never (principal, action, resource) unless { context.path like "/*" };
    @id("tags") never (principal, action, resource) when { principal.tags.isEmpty() };
    @id("narrow") never (principal, action, resource) unless { context.address.isInRange(ip("10.1.2.0/24")) };
    @id("other") never (principal, action, resource) when { context.path like "*/admin" };`;
  const results = await proveTexts({ schema, policies, invariants });
  const said = results.map(({ id, outcome }) => `${id} ${outcome}`);
  assert.deepEqual(said, ['range holds', 'path holds', 'tags holds', 'narrow counterexample', 'other counterexample']);
});

test('several patterns of one text are decided together, equal and literal texts among them', async () => {
  const policies = `
    @id("pages") permit (principal, action, resource) when { context.path like "/*" };
    @id("files") permit (principal, action, resource)
      when { context.path like "*.json" && context.path like "/api/*" && !(context.path like "*private*") };
    @id("secret") forbid (principal, action, resource) when { context.path like "*secret*" || context.path == "/closed" };`;
  const open = '@id("open") always (principal, action, resource) when { context.path like';
  const invariants = `
    ${open} "/*" };
    ${open.replace('"open"', '"open-but"')} "/*" } unless { context.path like "*secret*" };
    ${open.replace('"open"', '"open-and-not-closed"')} "/*/*" } unless { context.path like "*secret*" };
    @id("hidden") never (principal, action, resource) when { context.path like "/a*secret*z" };
    @id("relative") never (principal, action, resource) unless { context.path like "/*" };
    @id("several") never (principal, action, resource)
      when { context.path like "*a*b*" && context.path like "*c*d*" && context.path like "*e" && !(context.path like "*f*") };`;
  const said = new Map((await proveTexts({ schema, policies, invariants })).map((result) => [result.id, result]));
  const outcomes = [...said].map(([id, { outcome }]) => `${id} ${outcome}`);
  assert.deepEqual(outcomes, [
    'open counterexample',
    'open-but counterexample',
    'open-and-not-closed holds',
    'hidden holds',
    'relative holds',
    'several counterexample',
  ]);
  const several = said.get('several');
  const path = several?.outcome === 'counterexample' ? several.counterexample.request.context['path'] : undefined;
  assert.match(String(path), /^\/.*e$/);
});

test('what cannot be encoded leaves an invariant undecided, by name and place, unless it does not matter', async () => {
  const policies = `@id("p") permit (principal, action == Action::"read", resource) when { resource.nested.contains([1]) };`;
  const invariants = `
    @id("matters") never (principal, action, resource) when { !resource.nested.contains([1]) };
    @id("does-not") never (principal, action == Action::"write", resource);`;
  const [matters, doesNot] = await proveTexts({ schema, policies, invariants });
  assert.equal(matters?.outcome, 'undecided');
  assert.ok(
    matters.gaps.some(
      ({ policy, file, line, construct }) =>
        policy === 'p' && file === 'a.cedar' && line === 1 && /sets/.test(construct),
    ),
  );
  assert.equal(doesNot?.outcome, 'holds');
});

test('a solver that gives up, or that lies, proves nothing', async () => {
  const { set } = parsePolicySet({
    policies: [{ file: 'a.cedar', text: '@id("p") permit (principal, action, resource);' }],
    schema,
  });
  const { invariants } = parseInvariants([{ file: 'a.invariants', text: contractors }], schema);
  assert.ok(set !== undefined);
  const lost = { check: async () => 'unknown' as const, values: async () => '', isLate: () => false };
  const [unknown] = await proveInvariants({ set, invariants }, { solver: lost });
  assert.equal(unknown?.outcome, 'undecided');
  const liar = { check: async () => 'sat' as const, values: async () => '((a b)', isLate: () => false };
  const [lied] = await proveInvariants({ set, invariants }, { solver: liar });
  assert.equal(lied?.outcome, 'undecided');
});

test('an invariant that speaks of nothing is said to be empty', async () => {
  const policies = '@id("p") permit (principal, action, resource);';
  const [empty] = await proveTexts({
    schema,
    policies,
    invariants: '@id("n") never (principal, action, resource) when { context.n > 1 && context.n < 1 };',
  });
  assert.deepEqual([empty?.outcome, empty?.outcome === 'holds' && empty.isVacuous], ['holds', true]);
});

test('a guard in shadow proves nothing, a staged one neither, and a staged permit breaks what it would break', async () => {
  const policies = `@id("open") permit (principal in Group::"staff", action, resource);
    @id("wide") permit (principal in Group::"contractors", action, resource in Segment::"pci");
    @id("shut") forbid (principal in Group::"contractors", action, resource in Segment::"pci");`;
  const { set } = parsePolicySet({ policies: [{ file: 'a.cedar', text: policies }], schema });
  const staff = '@id("staff") never (principal, action, resource) unless { principal in Group::"staff" };';
  const always =
    '@id("always") always (principal in Group::"staff", action, resource) unless { principal in Group::"contractors" };';
  const { invariants } = parseInvariants([{ file: 'a.invariants', text: `${contractors} ${staff} ${always}` }], schema);
  assert.ok(set !== undefined);
  const outcomes = async (states: readonly PolicyState[]) =>
    (await proveInvariants({ set, invariants, states }, { solver })).map(({ outcome }) => outcome);
  assert.deepEqual(await outcomes([]), ['holds', 'holds', 'holds']);
  assert.deepEqual(await outcomes([{ id: 'shut', state: 'shadow' }]), ['counterexample', 'counterexample', 'holds']);
  assert.deepEqual(await outcomes([{ id: 'shut', state: 'staged' }]), ['counterexample', 'counterexample', 'holds']);
  const bothStaged = [
    { id: 'wide', state: 'staged' },
    { id: 'shut', state: 'shadow' },
  ] as const;
  assert.deepEqual(await outcomes(bothStaged), ['counterexample', 'counterexample', 'holds']);
  assert.deepEqual(await outcomes([{ id: 'open', state: 'staged' }]), ['holds', 'holds', 'counterexample']);
});
