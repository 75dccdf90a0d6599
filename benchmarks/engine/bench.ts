// Microseconds from a parsed request to a decision with reasons, among 100, 1,000 and 10,000 policies over 100,000 entities.
// npm run bench -- engine [--rounds N] > benchmarks/engine/RESULTS.md
// Native Cedar and OPA take part when ENGINE_BENCH_RUST and ENGINE_BENCH_OPA name the programs built from rust/ and opa/ here
// (`cargo build --release`, `go build`).
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type CompiledPolicies, compilePolicySet, type DecisionRequest, EntityStore } from '#decision/engine';
import { compilePolicies } from '#decision/parser';
import { parsePolicies } from '../../src/decision/parser/parse-policies.ts';
import { resolveSchema } from '../../src/decision/parser/validate-policies.ts';
import {
  entitiesOf,
  entityCount,
  policiesOf,
  regoDataOf,
  regoOf,
  regoRequestOf,
  requestsOf,
  schema,
} from './workload.ts';

const roundsFlag = process.argv.indexOf('--rounds');
const rounds = roundsFlag < 0 ? 8 : Number(process.argv[roundsFlag + 1]);
const policyCounts = [100, 1_000, 10_000];
const requestCount = 20_000;

interface Figures {
  readonly median: number;
  readonly p99: number;
  readonly allowedShare: number;
}

function figures(microseconds: number[], allowedShare: number): Figures {
  const sorted = microseconds.sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
  return { median: at(0.5), p99: at(0.99), allowedShare };
}

/** A request as a server has it. */
const fresh = (text: string) => JSON.parse(text) as DecisionRequest;

interface Asked<Given> {
  readonly decide: CompiledPolicies['decide'];
  readonly given: readonly Given[];
  readonly make: (each: Given) => DecisionRequest;
}

/**
 * Decides what is made of each; the clock stands while it is made. Several are asked round by round in turn, so that a machine whose
 * speed drifts is as fast for one as for the other.
 */
function time<Given>(asked: readonly Asked<Given>[], run: { rounds: number; warm: number }): Figures[] {
  const kept = asked.map(() => ({ took: [] as number[], allowed: 0 }));
  for (let round = 0; round < run.warm + run.rounds; round += 1) {
    for (const [index, { decide, given, make }] of asked.entries()) {
      for (const each of given) {
        const request = make(each);
        const start = performance.now();
        const { decision } = decide(request);
        const end = performance.now();
        const into = kept[index];
        if (round < run.warm || into === undefined) continue;
        into.took.push((end - start) * 1000);
        if (decision === 'allow') into.allowed += 1;
      }
    }
  }
  return kept.map(({ took, allowed }) => figures(took, allowed / took.length));
}

/** What reading the clock twice takes: it is part of every figure. */
function clockMicroseconds(): number {
  const took = Array.from({ length: 100_000 }, () => {
    const start = performance.now();
    return (performance.now() - start) * 1000;
  });
  return figures(took, 0).median;
}

/** A context with all it holds. */
function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) for (const item of Object.values(value)) freeze(item);
  return Object.freeze(value);
}

/** What a program of ours in another language prints: nanoseconds a line, then how many were allowed. */
function program(path: string | undefined, args: readonly string[]): Figures | null {
  if (path === undefined) return null;
  const lines = execFileSync(path, args, { maxBuffer: 1 << 30 })
    .toString()
    .trimEnd()
    .split('\n');
  const allowed = Number((lines.pop() ?? '').split(' ')[1]);
  const took = lines.map((line) => Number(line) / 1000);
  return figures(took, allowed / took.length);
}

const schemaJson = resolveSchema(schema);
const store = new EntityStore(schemaJson);
const entities = entitiesOf(1);
if (globalThis.gc === undefined) {
  // Memory is told only after a collection.
  setFlagsFromString('--expose-gc');
  globalThis.gc = runInNewContext('gc') as NonNullable<typeof globalThis.gc>;
}
const heapBefore = heap();
const loadStart = performance.now();
store.apply(entities.map((entity) => ({ put: entity })));
const loadMs = performance.now() - loadStart;
const heapOfStore = heap() - heapBefore;
const requests = requestsOf(requestCount, 3);

function heap(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

const us = (value: number | undefined) => (value === undefined ? '-' : value.toFixed(value < 100 ? 2 : 0));
const times = (peer: Figures | null | undefined, ours: Figures) =>
  peer == null ? '-' : (peer.median / ours.median).toFixed(0);
const rows: string[] = [];
const medians: number[] = [];
let bytesPerPolicy = 0;
const folder = mkdtempSync(join(tmpdir(), 'nullius-engine-'));
const clock = clockMicroseconds();
const before = loadavg()[0]?.toFixed(1);
try {
  const sets = policyCounts.map((count) => {
    const policies = policiesOf(count, 2);
    const text = policies.map(({ cedar }) => cedar).join('\n');
    const parsed = parsePolicies([{ file: 'bench.cedar', text }]);
    const set = new Map(parsed.map((policy, index) => [`policy${index}`, policy]));
    const heapWithout = heap();
    const ours = compilePolicySet({ policies: set, schema, schemaJson }, { store });
    bytesPerPolicy = (heap() - heapWithout) / count;
    return { count, policies, text, ours };
  });
  const texts = requests.map((request) => JSON.stringify(request));
  const asked = { rounds, warm: 6 };
  const engines = time(
    sets.map(({ ours }) => ({ decide: ours.decide, given: texts, make: fresh })),
    asked,
  );
  // A frozen context is read and validated once, in the rounds to warm up.
  const read = texts.map(fresh).map((request) => ({ ...request, context: freeze(request.context) }));
  const beforehands = time(
    sets.map(({ ours }) => ({ decide: ours.decide, given: read, make: (request: DecisionRequest) => request })),
    asked,
  );
  for (const [index, { count, policies, text, ours }] of sets.entries()) {
    const [engine, beforehand] = [engines[index], beforehands[index]];
    if (engine === undefined || beforehand === undefined) continue;
    medians.push(engine.median);

    // What a request reaches, found by the engine itself, so that Cedar in WebAssembly need not be given all of it.
    const reaching = requests.slice(0, count >= 10_000 ? 60 : 400).map((request) => {
      const uids = [request.principal, request.resource, ...ours.decideWithReads(request).reads];
      const reached = new Map(uids.map((uid) => [`${uid.type} ${uid.id}`, store.get(uid)]));
      return { ...request, entities: [...reached.values()].filter((entity) => entity !== undefined) };
    });
    const wasmSet = compilePolicies({
      policies: [{ file: 'bench.cedar', text }],
      schema,
      naming: 'position',
      evaluator: 'wasm',
    });
    const reachingTexts = reaching.map((request) => JSON.stringify(request));
    const [wasm] = time([{ decide: wasmSet.decide, given: reachingTexts, make: fresh }], { rounds: 2, warm: 1 });

    const where = join(folder, String(count));
    mkdirSync(where);
    writeFileSync(join(where, 'schema.cedarschema'), schema);
    writeFileSync(join(where, 'policies.cedar'), text);
    writeFileSync(join(where, 'entities.json'), JSON.stringify(entities));
    writeFileSync(
      join(where, 'requests.jsonl'),
      requests
        .slice(0, 2_000)
        .map((request) => JSON.stringify(request))
        .join('\n'),
    );
    writeFileSync(join(where, 'policies.rego'), regoOf(policies));
    writeFileSync(join(where, 'data.json'), JSON.stringify(regoDataOf(entities)));
    writeFileSync(
      join(where, 'requests.rego.jsonl'),
      requests.map((request) => JSON.stringify(regoRequestOf(request))).join('\n'),
    );
    const rust = program(process.env['ENGINE_BENCH_RUST'], [where, '1']);
    const opa = program(process.env['ENGINE_BENCH_OPA'], [where, count >= 10_000 ? '200' : '1000']);

    const cells = [
      ...[engine.median, engine.p99, beforehand.median, beforehand.p99].map(us),
      `${(engine.allowedShare * 100).toFixed(0)} %`,
      ...[wasm, rust, opa].flatMap((peer) => [us(peer?.median), times(peer, engine)]),
    ];
    rows.push(`| ${count} | ${cells.join(' | ')} |`);
    console.error(rows.at(-1));
    for (const [name, peer] of Object.entries({ rust, opa }))
      if (peer !== null)
        console.error(`  ${name} allowed ${(peer.allowedShare * 100).toFixed(1)} %, p99 ${us(peer.p99)}`);
    console.error(`  outlines ${ours.outlineCount}`);
  }
} finally {
  rmSync(folder, { recursive: true });
}

console.log(`# Engine

Made by \`npm run bench -- engine --rounds ${rounds}\` on ${cpus().length} cores, ${cpus()[0]?.model}; load average ${before} before it began. Microseconds.

| policies | Nullius median | p99 | context read beforehand: median | p99 | allowed | Cedar in WebAssembly | times | native Cedar | times | OPA (Go) | times |
| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
${rows.join('\n')}

From 100 to 10,000 policies our median grows ${((medians.at(-1) ?? 0) / (medians[0] ?? 1)).toFixed(2)} times. ${entityCount.toLocaleString('en')} entities are read into the store in ${(loadMs / 1000).toFixed(1)} s, ${Math.round(heapOfStore / entityCount)} bytes each; a policy of 10,000 takes ${Math.round(bytesPerPolicy)} bytes, its text and JSON not counted.

What each includes:

- **Nullius**: a request fresh from \`JSON.parse\`; looking up principal, action and resource by their names among all entities; reading and validating the context by the schema,
  its IP address too; the decision with all deciding and all erring policies. ${requestCount.toLocaleString('en')} requests drawn at random, ${rounds} rounds after 6 to warm up, the three sets of policies in turn.
  The clock itself takes ${clock.toFixed(2)} µs of each figure. What was parsed a moment ago lies in a cache; what the store holds mostly does not.
- **context read beforehand**: the same requests, parsed long ago and their contexts frozen, which the engine then reads and validates once: nearer to what native Cedar is given. Finding the context that was
  read, and the request itself, are memory to fetch instead. The factors compare the first column.
- **Cedar in WebAssembly** (\`@cedar-policy/cedar-wasm\`, policies and schema parsed beforehand): only the entities that the request reaches, which cross as JSON in every call.
- **native Cedar** (crate \`cedar-policy\`, \`rust/\`): all entities in memory, request and context parsed beforehand and not validated; one decision with diagnostics.
- **OPA** (its Go library, \`opa/\`): the same policies in Rego as partial rules of \`permits\` and \`forbids\`, all ancestors of every entity worked out beforehand into \`data.above\`, a prepared query,
  the input parsed beforehand.`);
