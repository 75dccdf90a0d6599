// A store of a million entities with attributes, tags and a deep hierarchy: what it holds and what one change costs until the next decision knows.
// npm run bench -- entities > benchmarks/entities/RESULTS.md   (`node --expose-gc` for the bytes)
import { cpus, loadavg } from 'node:os';
import { compilePolicySet, type EntityJson, EntityStore } from '#decision/engine';
import { type Random, randomOf } from '../engine/workload.ts';

const [groupCount, userCount] = [50_000, 950_000];
const entityCount = groupCount + userCount;
const changeCount = 20_000;
const schemaJson = {
  '': {
    entityTypes: {
      Group: { memberOfTypes: ['Group'] },
      User: {
        memberOfTypes: ['Group'],
        shape: {
          type: 'Record',
          attributes: {
            status: { type: 'String' },
            clearance: { type: 'Long' },
            boss: { type: 'Entity', name: 'User' },
          },
        },
        tags: { type: 'String' },
      },
    },
    actions: { greet: { appliesTo: { principalTypes: ['User'], resourceTypes: ['User'] } } },
  },
};

const user = (n: number) => ({ type: 'User', id: `user-${n}` });
const group = (n: number) => ({ type: 'Group', id: `group-${n}` });

/** Groups hang under ones of half their number or less: up to 15 levels. */
function groupEntity(n: number, random: Random): EntityJson {
  return { uid: group(n), attrs: {}, parents: n === 0 ? [] : [group(random(Math.ceil(n / 2)))] };
}

function userEntity(n: number, random: Random): EntityJson {
  const attrs = {
    status: random(20) === 0 ? 'suspended' : 'active',
    clearance: random(10),
    boss: { __entity: { type: 'User', id: `user-${random(userCount)}` } },
  };
  return {
    uid: user(n),
    attrs,
    parents: [group(random(groupCount)), group(random(groupCount))],
    tags: { team: `t${random(99)}` },
  };
}

const heap = () => {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
};

function table(name: string, took: number[]): string {
  const sorted = took.sort((a, b) => a - b);
  const at = (share: number) => ((sorted[Math.floor((sorted.length - 1) * share)] ?? 0) * 1000).toFixed(1);
  return `| ${name} | ${at(0.5)} | ${at(0.99)} | ${at(1)} |`;
}

const random = randomOf(1);
const before = heap();
const store = new EntityStore(schemaJson);
const start = performance.now();
for (let n = 0; n < groupCount; n += 1) store.put(groupEntity(n, random));
for (let n = 0; n < userCount; n += 1) store.put(userEntity(n, random));
const loadMs = performance.now() - start;
const held = heap() - before;

const json = { op: 'in', entity: group(7) };
const policy = {
  effect: 'permit',
  principal: json,
  action: { op: 'All' },
  resource: { op: 'All' },
  conditions: [],
} as const;
const policies = new Map([['p', { file: '', line: 1, text: '', json: policy }]]);
const { decide } = compilePolicySet({ policies, schema: '', schemaJson }, { store });
const ask = (n: number) =>
  decide({ principal: user(n), action: { type: 'Action', id: 'greet' }, resource: user(0), context: {}, entities: [] });

function measure(name: string, change: (n: number) => void): string {
  const [changed, decided]: [number[], number[]] = [[], []];
  for (let n = 0; n < changeCount * 2; n += 1) {
    const asked = random(userCount);
    const began = performance.now();
    change(n);
    const middle = performance.now();
    ask(asked);
    const end = performance.now();
    if (n < changeCount) continue;
    changed.push(middle - began);
    decided.push(end - middle);
  }
  return `${table(name, changed)}\n${table('&nbsp;&nbsp;the decision after it', decided)}`;
}

const extra = (n: number) => userCount + n;
const rows = [
  measure('add a user', (n) => store.put(userEntity(extra(n), random))),
  measure('change a user', () => store.put(userEntity(random(userCount), random))),
  measure('remove a user', (n) => store.remove(user(extra(n)))),
  measure('put a user in one more group', () => store.addParent(user(random(userCount)), group(random(groupCount)))),
  measure('put a top group under another, or take it out', (n) =>
    n % 2 === 0 ? store.addParent(group(3), group(0)) : store.removeParent(group(3), group(0)),
  ),
];

console.log(`# A million entities

Made by \`npm run bench -- entities\` on ${cpus().length} cores, ${cpus()[0]?.model}; load average ${loadavg()[0]?.toFixed(1)}. ${entityCount.toLocaleString('en')} entities: ${groupCount.toLocaleString('en')} groups up to 15 levels deep, and
users with three attributes, a tag and two groups each. Read in ${(loadMs / 1000).toFixed(1)} s, one by one${globalThis.gc === undefined ? '' : `; ${Math.round(held / entityCount)} bytes of heap each, names included`}.

Microseconds of ${changeCount.toLocaleString('en')} changes each:

| one change | median | p99 | worst |
| --- | ---: | ---: | ---: |
${rows.join('\n')}

Changes and decisions are synchronous calls of one thread: no decision sees half a change, and the next one sees all of it. The worst are the garbage collector's and the machine's.`);
