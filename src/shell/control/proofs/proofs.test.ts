import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { KnownAnswers } from '../../prover/index.ts';
import { answersMax, ProofMemory } from './proof-memory.ts';
import { Proofs } from './proofs.ts';

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'nullius-proofs-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

const schema =
  'entity User; entity App; action read appliesTo { principal: User, resource: App, context: { n: Long } };';
const texts = (policies: string, states: { id: string; state: 'shadow' }[] = []) => ({
  schema,
  policies: [{ file: 'a.cedar', text: policies }],
  invariants: [{ file: 'a.invariants', text: '@id("i") never (principal, action, resource) when { context.n > 7 };' }],
  states,
});
const guarded =
  '@id("p") permit (principal, action, resource); @id("f") forbid (principal, action, resource) when { context.n > 5 };';
const open = '@id("p") permit (principal, action, resource);';

/** A memory that counts the processes that asked it. */
function countingMemory() {
  let asked = 0;
  const learned: KnownAnswers[] = [];
  const memory = {
    known: () => {
      asked += 1;
      return { sat: [], unsat: [] };
    },
    learn: (answers: KnownAnswers) => void learned.push(answers),
  };
  return { memory, asked: () => asked, learned };
}

test('Proofs starts no process for what held, and one for every other text, state or invariant', async () => {
  const { memory, asked } = countingMemory();
  const proofs = new Proofs(memory);
  const outcome = async (wanted: Parameters<Proofs['prove']>[0]) =>
    (await proofs.prove(wanted, { teaches: true })).found?.map((each) => each.outcome);
  assert.deepEqual([await outcome(texts(guarded)), asked()], [['holds'], 1]);
  assert.deepEqual([await outcome(texts(guarded)), asked()], [['holds'], 1]);
  assert.deepEqual([await outcome(texts(guarded, [{ id: 'f', state: 'shadow' }])), asked()], [['counterexample'], 2]);
  assert.deepEqual([await outcome(texts(open)), asked()], [['counterexample'], 3]);
  // What does not hold is never taken from memory.
  assert.deepEqual([await outcome(texts(open)), asked()], [['counterexample'], 4]);
  assert.deepEqual([await outcome({ ...texts(guarded), schema: `${schema} ` }), asked()], [['holds'], 5]);
});

test('Proofs learns nothing for whoever may not publish', async () => {
  const { memory, asked, learned } = countingMemory();
  const proofs = new Proofs(memory);
  await proofs.prove(texts(guarded), { teaches: false });
  await proofs.prove(texts(guarded), { teaches: false });
  assert.deepEqual([asked(), learned], [2, []]);
});

test('ProofMemory knows after a start what was learned before, the newest of each kind, and nothing of a file that is not its own', () => {
  const path = join(folder, 'cache', 'proofs.json');
  const fail = (error: unknown) => assert.fail(String(error));
  const hash = (count: number) => `h${count}`.padEnd(43, '_');
  new ProofMemory(path, fail).learn({ sat: [hash(1)], unsat: [hash(2), hash(3)] });
  const memory = new ProofMemory(path, fail);
  assert.deepEqual(memory.known(), { sat: [hash(1)], unsat: [hash(2), hash(3)] });
  memory.learn({ sat: [], unsat: Array.from({ length: answersMax }, (_, index) => hash(10 + index)) });
  const { sat, unsat } = new ProofMemory(path, fail).known();
  assert.deepEqual([sat.length, unsat.length, unsat[0]], [1, answersMax, hash(10)]);
  for (const text of [
    '',
    '{"sat":[],"unsat":["x"]}',
    '{"unsat":[]}',
    'null',
    readFileSync(path, 'utf8').slice(0, -1),
  ]) {
    writeFileSync(path, text);
    assert.deepEqual(new ProofMemory(path, fail).known(), { sat: [], unsat: [] });
  }
});

test('ProofMemory goes on when its file cannot be written', () => {
  const errors: unknown[] = [];
  writeFileSync(join(folder, 'plain'), '');
  const memory = new ProofMemory(join(folder, 'plain', 'proofs.json'), (error) => errors.push(error));
  memory.learn({ sat: [], unsat: ['a'.repeat(43)] });
  assert.deepEqual([memory.known().unsat.length, errors.length], [1, 1]);
});
