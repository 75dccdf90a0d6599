// How long from commit() to the fact in a gateway's table, over a real store and socket; and what the table costs.
// Run: NODE_OPTIONS=--conditions=nullius-source node benchmarks/store/follow-latency.ts [postgres://…]
import { FactTable } from '#information/inventory';
import { group, makeFollowBench } from '../../src/shell/replica/replica-bench.ts';

const commits = 500;
const tableFacts = 100_000;

function quantiles(values: number[]): string {
  const sorted = values.sort((a, b) => a - b);
  const at = (part: number) => (sorted[Math.floor(sorted.length * part)] ?? 0).toFixed(2);
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(0.9999)} ms`;
}

const url = process.argv[2];
const bench = await makeFollowBench(url === undefined ? {} : { url });
const replica = await bench.startReplica();
await replica.whenFresh();
const begun: number[] = [];
const durable: number[] = [];
const applied: number[] = [];
const afterDurable: number[] = [];
replica.table.onChange((_changes, revision) => {
  applied[revision] = performance.now();
});
for (let turn = 1; turn <= commits; turn += 1) {
  begun[turn] = performance.now();
  const { revision } = await bench.store.commit([{ kind: 'group', id: `g${turn % 50}`, body: group(`${turn}`) }]);
  durable[revision] = performance.now();
  while (replica.table.revision < revision) await new Promise((resolve) => setImmediate(resolve));
  afterDurable.push((applied[revision] ?? 0) - (durable[revision] ?? 0));
}
const turns = Array.from({ length: commits }, (_, index) => index + 1);
console.log(`commit():                  ${quantiles(turns.map((turn) => (durable[turn] ?? 0) - (begun[turn] ?? 0)))}`);
console.log(`commit() begun to applied: ${quantiles(turns.map((turn) => (applied[turn] ?? 0) - (begun[turn] ?? 0)))}`);
console.log(`commit() done to applied:  ${quantiles(afterDurable)}`);
await bench.end();

const table = new FactTable({ clock: Date.now });
const rows = Array.from({ length: tableFacts }, (_, index) => ({
  kind: 'group' as const,
  id: `g${index}`,
  revision: 1,
  body: group(`${index}`),
}));
let start = performance.now();
table.replace({ epoch: 1, revision: 1, rows });
console.log(`FactTable.replace() of ${tableFacts} facts: ${(performance.now() - start).toFixed(0)} ms`);
start = performance.now();
for (let revision = 2; revision < 100_002; revision += 1) {
  table.apply([{ kind: 'group', id: `g${(revision * 7919) % tableFacts}`, revision, body: group('x') }], revision);
}
console.log(
  `FactTable.apply() of one fact among them: ${(((performance.now() - start) / 100_000) * 1_000).toFixed(2)} us`,
);
