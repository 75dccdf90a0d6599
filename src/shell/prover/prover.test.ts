import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { invariantCheckOf } from './check-invariants.ts';
import { type AnswerMemory, ProverError, prove } from './prover.ts';
import type { KnownAnswers } from './remember-answers.ts';

const shipped = join(import.meta.dirname, '..', '..', '..', 'policies');
const read = (file: string) => ({ file, text: readFileSync(join(shipped, file), 'utf8') });
const schema = read('schema.cedarschema').text;
const names = ['10-administration.cedar', '20-apps.cedar', '30-demo.cedar', '90-guards.cedar'];
const policies = names.map(read);
const invariants = [read('shipped.invariants')];

test('invariantCheckOf() is content with what is shipped, and names what breaks when a guard is taken away', async () => {
  const good = invariantCheckOf(await prove({ policies, schema, invariants }));
  assert.deepEqual([good.ok, good.words], [true, []]);
  assert.ok(good.results.length >= 2);
  const unguarded = policies.filter(({ file }) => file !== '90-guards.cedar');
  const bad = invariantCheckOf(await prove({ policies: unguarded, schema, invariants }));
  assert.equal(bad.ok, false);
  assert.match(bad.words.join('\n'), /`suspended-people-are-out` is broken: User::"[^"]+" Action::"/);
});

test('prove() says where an invariant is wrong: its first word, its syntax, its types, its annotations', async () => {
  const problemOf = async (text: string) => {
    const { problems, found } = await prove({ policies, schema, invariants: [{ file: 'x.invariants', text }] });
    assert.equal(found, undefined);
    const { file, line, column, message } = problems.find(({ level }) => level === 'error') ?? {};
    return { place: `${file}:${line}:${column}`, message: message ?? '' };
  };
  const word = await problemOf('// words\n@id("a") sometimes (principal, action, resource);');
  assert.deepEqual([word.place, /`sometimes`/.test(word.message)], ['x.invariants:2:10', true]);
  const syntax = await problemOf('@id("a")\nnever (principal, action, resource) when { context.noun == };');
  assert.equal(syntax.place, 'x.invariants:2:60');
  const type = await problemOf('@id("a") never (principal, action, resource) when { context.nonsense };');
  assert.match(type.message, /nonsense/);
  const annotation = await problemOf('@id("a") @remedy("b") never (principal, action, resource);');
  assert.match(annotation.message, /@remedy/);
});

test('a condition cannot close its statement and begin another one', async () => {
  const text = '@id("a") never (principal, action, resource) when { true }; permit (principal, action, resource);';
  const { problems, found } = await prove({ policies, schema, invariants: [{ file: 'x.invariants', text }] });
  assert.deepEqual([found, problems[0]?.level, problems[0]?.line], [undefined, 'error', 1]);
});

test('prove() ends a hostile invariant in time, and the next is proved', async () => {
  // Numbers whose products the solver cannot reason about: cubes that add up to 42.
  const number = 'context.session.authAgeSeconds';
  const cubes = `${number} * ${number} * ${number} == 3 * ${number} * ${number} + 74699381 * ${number} + 961748941`;
  const text = `@id("hard") never (principal is User, action, resource) when { ${cubes} };`;
  const hostile = { policies, schema, invariants: [{ file: 'x.invariants', text }] };
  const { found } = await prove(hostile, { checkMsMax: 300 });
  assert.equal(found?.length, 1);
  await assert.rejects(prove(hostile, { taskMsMax: 1 }), ProverError);
  assert.equal(invariantCheckOf(await prove({ policies, schema, invariants })).ok, true);
});

/** A memory as control's is, with what each process told it. */
function memoryOf(start: KnownAnswers = { sat: [], unsat: [] }) {
  const told: KnownAnswers[] = [];
  const all = () => [start, ...told];
  const memory: AnswerMemory = {
    known: () => ({ sat: all().flatMap(({ sat }) => sat), unsat: all().flatMap(({ unsat }) => unsat) }),
    learn: (answers) => void told.push(answers),
  };
  return { memory, told };
}

const outcomes = (checked: Awaited<ReturnType<typeof prove>>) => checked.found?.map(({ outcome }) => outcome);
const withExtra = (text: string) => [{ file: 'extra.cedar', text }, ...policies];

test('prove() with a memory asks the solver only what another policy changes, and nothing where it changes nothing', async () => {
  const { memory, told } = memoryOf();
  const first = await prove({ policies, schema, invariants }, { memory });
  assert.equal((await prove({ policies, schema, invariants }, { memory })).found?.length, first.found?.length);
  const forApps = withExtra('@id("x") permit (principal is User, action == Action::"read", resource == App::"x");');
  const third = await prove({ policies: forApps, schema, invariants }, { memory });
  assert.deepEqual(outcomes(third), outcomes(first));
  const [all, again, changed] = told.map(({ sat, unsat }) => sat.length + unsat.length);
  assert.ok(all !== undefined && changed !== undefined && changed > 0 && changed * 3 < all, `${all} ${changed}`);
  assert.equal(again, 0);
});

test('prove() with a memory finds what breaks, with an example of the solver’s own, and again when it was found before', async () => {
  const { memory, told } = memoryOf();
  await prove({ policies, schema, invariants }, { memory });
  const broken = withExtra('@id("x") permit (principal is Anonymous, action, resource == Service::"control");');
  for (const _ of ['found', 'found again']) {
    const results = (await prove({ policies: broken, schema, invariants }, { memory })).found ?? [];
    const example = results.find(({ id }) => id === 'strangers-administer-nothing');
    assert.equal(example?.outcome === 'counterexample' && example.counterexample.decision, 'allow');
  }
  assert.deepEqual(told.at(-1), { sat: [], unsat: [] });
});
