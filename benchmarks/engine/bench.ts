// Microseconds from a parsed request to a decision with reasons, among 100, 1,000 and 10,000 policies over 100,000 entities.
// npm run bench -- engine [--rounds N] > benchmarks/engine/RESULTS.md
// Native Cedar and OPA take part when ENGINE_BENCH_RUST and ENGINE_BENCH_OPA name the programs built from rust/ and opa/ here
// (`cargo build --release`, `go build`).
import { execFileSync } from 'node:child_process';
import { cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Figures, Measured } from './one-set.ts';
import { entityCount } from './workload.ts';

const roundsFlag = process.argv.indexOf('--rounds');
const rounds = roundsFlag < 0 ? 8 : Number(process.argv[roundsFlag + 1]);
const policyCounts = [100, 1_000, 10_000];
/** Every set is asked by so many processes, the sets in turn: a machine whose speed drifts is as fast for one as for the other. */
const turns = 5;

const oneSet = fileURLToPath(new URL('one-set.ts', import.meta.url));
function measure(count: number, turn: number): Measured {
  const args = [oneSet, `${count}`, `${rounds}`, turn === 0 ? 'peers' : ''];
  return JSON.parse(execFileSync(process.execPath, args, { maxBuffer: 1 << 24 }).toString()) as Measured;
}

/** Of an odd number of values. */
const middle = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
const us = (value: number | undefined) => (value === undefined ? '-' : value.toFixed(value < 100 ? 2 : 0));
const range = (values: readonly number[]) => `${us(Math.min(...values))} to ${us(Math.max(...values))}`;

const before = loadavg()[0]?.toFixed(1);
const found = policyCounts.map((): Measured[] => []);
for (let turn = 0; turn < turns; turn += 1)
  for (const [index, count] of policyCounts.entries()) {
    const measured = measure(count, turn);
    found[index]?.push(measured);
    console.error(`${count} policies: median ${us(measured.ours.median)}, p99 ${us(measured.ours.p99)}`);
  }

const of = (index: number, which: 'ours' | 'beforehand', figure: keyof Figures) =>
  (found[index] ?? []).map((measured) => measured[which][figure]);
const rows = policyCounts.map((count, index) => {
  const peers = found[index]?.[0]?.peers;
  const median = middle(of(index, 'ours', 'median'));
  const cells = [
    us(median),
    range(of(index, 'ours', 'median')),
    us(middle(of(index, 'ours', 'p99'))),
    us(middle(of(index, 'beforehand', 'median'))),
    us(middle(of(index, 'beforehand', 'p99'))),
    `${((found[index]?.[0]?.ours.allowedShare ?? 0) * 100).toFixed(0)} %`,
    ...[peers?.wasm, peers?.rust, peers?.opa].flatMap((peer) =>
      peer == null ? ['-', '-'] : [us(peer.median), (peer.median / median).toFixed(0)],
    ),
  ];
  return `| ${count} | ${cells.join(' | ')} |`;
});
const medians = policyCounts.map((_, index) => middle(of(index, 'ours', 'median')));
const last = found.at(-1)?.[0];

console.log(`# Engine

Made by \`npm run bench -- engine --rounds ${rounds}\` on ${cpus().length} cores, ${cpus()[0]?.model}; load average ${before} before it began. Microseconds.

| policies | Nullius median | of the processes | p99 | context read beforehand: median | p99 | allowed | Cedar in WebAssembly | times | native Cedar | times | OPA (Go) | times |
| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
${rows.join('\n')}

From 100 to 10,000 policies our median grows ${((medians.at(-1) ?? 0) / (medians[0] ?? 1)).toFixed(2)} times. ${entityCount.toLocaleString('en')} entities are read into the store in ${((last?.loadMs ?? 0) / 1000).toFixed(1)} s, ${Math.round(last?.bytesPerEntity ?? 0)} bytes each; a policy of 10,000 takes ${Math.round(last?.bytesPerPolicy ?? 0)} bytes, its text and JSON not counted.

What each includes:

- **Nullius**: a request fresh from \`JSON.parse\`; looking up principal, action and resource by their names among all entities; reading and validating the context by the schema,
  its IP address too; the decision with all deciding and all erring policies. 20,000 requests drawn at random, ${rounds} rounds after 6 to warm up,
  by one set of policies, as in a gateway, in a process of its own. ${turns} processes for each set, the sets in turn; each figure is the middle one of theirs.
  The clock itself takes ${us(last?.clock)} µs of each figure. What was parsed a moment ago lies in a cache; what the store holds mostly does not.
- **context read beforehand**: the same requests, parsed long ago and their contexts frozen, which the engine then reads and validates once: nearer to what native Cedar is given. Finding the context that was
  read, and the request itself, are memory to fetch instead. The factors compare the first column.
- **Cedar in WebAssembly** (\`@cedar-policy/cedar-wasm\`, policies and schema parsed beforehand): only the entities that the request reaches, which cross as JSON in every call.
- **native Cedar** (crate \`cedar-policy\`, \`rust/\`): all entities in memory, request and context parsed beforehand and not validated; one decision with diagnostics.
- **OPA** (its Go library, \`opa/\`): the same policies in Rego as partial rules of \`permits\` and \`forbids\`, all ancestors of every entity worked out beforehand into \`data.above\`, a prepared query,
  the input parsed beforehand.`);
