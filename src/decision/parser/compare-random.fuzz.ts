// Compares the compiled engine (over entities of the request, and over a store), the slow interpreter and Cedar's own evaluator on random sets.
// `node src/decision/parser/compare-random.fuzz.ts SEED COUNT` does so COUNT times and prints what differs, made small. A third argument names
// the program that answers with native Cedar instead (`cargo build --release` in benchmarks/engine/rust gives `oracle`), many times as fast.
import { compilePolicySet, type DecisionRequest, EngineError, type EntityJson, EntityStore } from '#decision/engine';
import { referenceDecide } from '#decision/engine/reference';
import type { Decision } from '#foundation/model';
import { type CedarSet, inWords, NativeOracle, type Oracle, raw, wasmOracle } from './oracles.fuzz.ts';
import { RandomCedar } from './random-cedar.fuzz.ts';

/** One thing to be decided. */
export interface Case extends CedarSet {
  readonly request: DecisionRequest;
}

function ours(decide: () => Decision): string {
  try {
    const { decision, reasons, errors } = decide();
    return inWords(
      decision,
      reasons,
      errors.map(({ id }) => id),
    );
  } catch (error) {
    if (error instanceof EngineError) return 'refused';
    throw error;
  }
}

/** What decides a set of ours: over the request's entities, over a store that holds them, and slowly. */
function engines({ schema, policies }: CedarSet) {
  const located = new Map(
    policies.map((json, index) => [`p${index}`, { file: '', line: 1, text: `${index}`, json }] as const),
  );
  const set = { policies: located, schema: '', schemaJson: schema };
  const store = new EntityStore(schema);
  const [bare, stored] = [compilePolicySet(set), compilePolicySet(set, { store })];
  // Over the same entities, as staged policies are: what these remember for one may not mislead the other.
  const some = new Map([...located].filter((_, index) => index % 2 === 1));
  const beside = compilePolicySet({ ...set, policies: some }, { store });
  let held: readonly EntityJson[] = [];
  return {
    /** Makes the store hold these and no others, in two changes: the way to there may not matter. */
    hold(entities: readonly EntityJson[]): void {
      const keys = new Set(entities.map(({ uid }) => `${uid.type} ${uid.id}`));
      const gone = held.filter(({ uid }) => !keys.has(`${uid.type} ${uid.id}`)).map(({ uid }) => ({ remove: uid }));
      store.apply([...held.map(({ uid, ...rest }) => ({ put: { ...rest, uid, parents: [] } })), ...gone]);
      store.apply(entities.map((entity) => ({ put: entity })));
      held = entities;
    },
    compiled: (request: DecisionRequest) => ours(() => bare.decide(request)),
    stored: (request: DecisionRequest) => {
      const asked = { ...request, entities: [] };
      ours(() => beside.decide(asked));
      return ours(() => stored.decide(asked));
    },
    reference: (request: DecisionRequest) => ours(() => referenceDecide(set, request)),
  };
}

/** Which of our ways differs from Cedar's own, and how. */
export function differences(found: Case): string[] {
  const { entities } = found.request;
  wasmOracle.take(found);
  const expected = wasmOracle.answer(found.request, { entities: raw(entities), isValidated: true });
  const { hold, ...ways } = engines(found);
  hold(entities);
  return Object.entries(ways).flatMap(([name, decide]) => {
    const answer = decide(found.request);
    return answer === expected ? [] : [`${name}: ${answer}; Cedar: ${expected}`];
  });
}

/** Every JSON that is this one with one part made simpler. */
function* simpler(json: unknown): Generator<unknown> {
  if (Array.isArray(json)) {
    for (const index of json.keys()) yield json.toSpliced(index, 1);
    for (const [index, item] of json.entries()) for (const less of simpler(item)) yield json.with(index, less);
  } else if (typeof json === 'object' && json !== null) {
    for (const inner of Object.values(json)) {
      // An expression by one of its operands.
      if (typeof inner !== 'object' || inner === null) continue;
      for (const operand of Object.values(inner)) if (typeof operand === 'object' && operand !== null) yield operand;
    }
    for (const [key, item] of Object.entries(json)) for (const less of simpler(item)) yield { ...json, [key]: less };
  }
}

/** A smaller case that differs too, as small as single steps lead to. */
export function shrink(found: Case): Case {
  const differs = (candidate: Case) => {
    try {
      return differences(candidate).length > 0;
    } catch {
      return false;
    }
  };
  const steps = function* ({ schema, policies, request }: Case): Generator<Case> {
    for (const index of policies.keys()) yield { schema, policies: policies.toSpliced(index, 1), request };
    for (const index of request.entities.keys())
      yield { schema, policies, request: { ...request, entities: request.entities.toSpliced(index, 1) } };
    for (const [index, policy] of policies.entries())
      for (const conditions of simpler(policy.conditions))
        yield { schema, policies: policies.with(index, { ...policy, conditions: conditions as never }), request };
  };
  let small = found;
  for (let rounds = 0; rounds < 200; rounds += 1) {
    const next = [...steps(small)].find(differs);
    if (next === undefined) return small;
    small = next;
  }
  return small;
}

export interface Comparison {
  /** Requests that Cedar's evaluator and ours both answered. */
  readonly count: number;
  readonly allowed: number;
  readonly errored: number;
  readonly disagreements: readonly { readonly seed: number; readonly case: Case }[];
}

const [setsOfSchema, storesOfSet] = [3, 3];

/** Compares at least `count` decisions, beginning with a seed; the interpreter takes part in every eighth. */
export async function compareRandom({
  seed,
  count: wanted,
  oracle = wasmOracle,
}: {
  seed: number;
  count: number;
  oracle?: Oracle;
}): Promise<Comparison> {
  const disagreements: { seed: number; case: Case }[] = [];
  let [count, allowed, errored] = [0, 0, 0];
  for (let each = seed; count < wanted && disagreements.length < 5; each += 1) {
    const random = new RandomCedar(each);
    const { schema, dice } = random;
    for (let set = 0; set < setsOfSchema; set += 1) {
      // Now and then so many that those of one scope are found by the principal.
      const policies = dice.times(dice.below(12) === 0 ? 40 : 1 + dice.below(4), () => random.policy());
      await oracle.take({ schema, policies });
      const { hold, compiled, stored, reference } = engines({ schema, policies });
      for (let store = 0; store < storesOfSet; store += 1) {
        const entities = Object.freeze(random.entities().map((entity) => Object.freeze(entity)));
        hold(entities);
        const requests = dice.times(oracle.requestsOfStore, () => ({ ...random.request(), entities }));
        const actions = random.actionEntities();
        for (const [index, expected] of (await oracle.answers(requests, { entities, actions })).entries()) {
          const request = requests[index] as DecisionRequest;
          count += 1;
          if (expected.startsWith('allow')) allowed += 1;
          if (/ p[0-9p,]*$/.test(expected)) errored += 1;
          const answers = [compiled(request), stored(request), ...(index % 8 === 0 ? [reference(request)] : [])];
          if (answers.every((answer) => answer === expected)) continue;
          disagreements.push({ seed: each, case: { schema, policies, request } });
        }
      }
    }
  }
  return { count, allowed, errored, disagreements };
}

if (import.meta.main) {
  const [seed = 1, count = 10_000] = process.argv.slice(2, 4).map(Number);
  const program = process.argv[4];
  const oracle = program === undefined ? wasmOracle : new NativeOracle(program);
  const step = 50_000;
  let next = seed;
  for (let done = 0; done < count; ) {
    const found = await compareRandom({ seed: next, count: Math.min(step, count - done), oracle });
    // Seeds of one step never reach those of the next.
    next += step;
    done += found.count;
    for (const { seed: at, case: big } of found.disagreements.slice(0, 2)) {
      const small = shrink(big);
      console.log(`seed ${at}`, differences(small).join(' | '), JSON.stringify(raw(small)));
    }
    const { allowed, errored, disagreements } = found;
    console.log(
      `${done} compared, of the last ${found.count} allowed ${allowed}, with errors ${errored}; differ ${disagreements.length}`,
    );
    if (disagreements.length > 0) process.exitCode = 1;
  }
  if (oracle instanceof NativeOracle) oracle.end();
}
