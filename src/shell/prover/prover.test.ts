import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkInvariants } from './check-invariants.ts';
import { ProverError, prove } from './prover.ts';

const shipped = join(import.meta.dirname, '..', '..', '..', 'policies');
const read = (file: string) => ({ file, text: readFileSync(join(shipped, file), 'utf8') });
const schema = read('schema.cedarschema').text;
const names = ['10-administration.cedar', '20-apps.cedar', '30-demo.cedar', '90-guards.cedar'];
const policies = names.map(read);
const invariants = [read('shipped.invariants')];

test('checkInvariants() is content with what is shipped, and names what breaks when a guard is taken away', async () => {
  const good = await checkInvariants({ policies, schema, invariants });
  assert.deepEqual([good.ok, good.words], [true, []]);
  assert.ok(good.results.length >= 2);
  const unguarded = policies.filter(({ file }) => file !== '90-guards.cedar');
  const bad = await checkInvariants({ policies: unguarded, schema, invariants });
  assert.equal(bad.ok, false);
  assert.match(bad.words.join('\n'), /`suspended-people-are-out` is broken: User::"[^"]+" Action::"/);
});

test('checkInvariants() without invariants asks nobody', async () => {
  const none = await checkInvariants({ policies: [{ file: 'a.cedar', text: 'nonsense' }], schema, invariants: [] });
  assert.deepEqual(none, { ok: true, words: [], results: [] });
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
  assert.equal((await checkInvariants({ policies, schema, invariants })).ok, true);
});
