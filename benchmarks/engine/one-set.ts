// Asks one set of policies, as a process of its own: `bench.ts` starts it, and takes what it prints, `Measured` in JSON.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type CompiledPolicies, compilePolicySet, type DecisionRequest, EntityStore } from '#decision/engine';
import { compilePolicies } from '#decision/parser';
import { parsePolicies } from '../../src/decision/parser/parse-policies.ts';
import { resolveSchema } from '../../src/decision/parser/validate-policies.ts';
import { entitiesOf, policiesOf, regoDataOf, regoOf, regoRequestOf, requestsOf, schema } from './workload.ts';

export interface Figures {
  /** Microseconds. */
  readonly median: number;
  readonly p99: number;
  readonly allowedShare: number;
}

function figures(microseconds: number[], allowedShare: number): Figures {
  const sorted = microseconds.sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
  return { median: at(0.5), p99: at(0.99), allowedShare };
}

/** What is found of one set. */
export interface Measured {
  readonly ours: Figures;
  /** The same requests, their contexts read beforehand. */
  readonly beforehand: Figures;
  readonly clock: number;
  readonly loadMs: number;
  readonly bytesPerEntity: number;
  readonly bytesPerPolicy: number;
  /** null: not asked for, or not there. */
  readonly peers: { readonly wasm: Figures; readonly rust: Figures | null; readonly opa: Figures | null } | null;
}

interface Asked<Given> {
  readonly decide: CompiledPolicies['decide'];
  readonly given: readonly Given[];
  readonly make: (each: Given) => DecisionRequest;
}

/** Decides what is made of each; the clock stands while it is made. */
function time<Given>(
  { decide, given, make }: Asked<Given>,
  run: { readonly rounds: number; readonly warm: number },
): Figures {
  const took: number[] = [];
  let allowed = 0;
  for (let round = 0; round < run.warm + run.rounds; round += 1) {
    for (const each of given) {
      const request = make(each);
      const start = performance.now();
      const { decision } = decide(request);
      const end = performance.now();
      if (round < run.warm) continue;
      took.push((end - start) * 1000);
      if (decision === 'allow') allowed += 1;
    }
  }
  return figures(took, allowed / took.length);
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

const requestCount = 20_000;
const warm = 6;
/** A request as a server has it. */
const fresh = (text: string) => JSON.parse(text) as DecisionRequest;

function heap(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

function measure(count: number, { rounds, withPeers }: { rounds: number; withPeers: boolean }): Measured {
  const schemaJson = resolveSchema(schema);
  const store = new EntityStore(schemaJson);
  const entities = entitiesOf(1);
  const heapBefore = heap();
  const loadStart = performance.now();
  store.apply(entities.map((entity) => ({ put: entity })));
  const loadMs = performance.now() - loadStart;
  const bytesPerEntity = (heap() - heapBefore) / entities.length;

  const policies = policiesOf(count, 2);
  const text = policies.map(({ cedar }) => cedar).join('\n');
  const parsed = parsePolicies([{ file: 'bench.cedar', text }]);
  const set = new Map(parsed.map((policy, index) => [`policy${index}`, policy]));
  const heapWithout = heap();
  const { decide, decideWithReads } = compilePolicySet({ policies: set, schema, schemaJson }, { store });
  const bytesPerPolicy = (heap() - heapWithout) / count;

  const requests = requestsOf(requestCount, 3);
  const texts = requests.map((request) => JSON.stringify(request));
  const ours = time({ decide, given: texts, make: fresh }, { rounds, warm });
  // A frozen context is read and validated once, in the rounds to warm up.
  const read = texts.map(fresh).map((request) => ({ ...request, context: freeze(request.context) }));
  const beforehand = time({ decide, given: read, make: (request: DecisionRequest) => request }, { rounds, warm });

  const found = { ours, beforehand, clock: clockMicroseconds(), loadMs, bytesPerEntity, bytesPerPolicy };
  if (!withPeers) return { ...found, peers: null };
  // What a request reaches, found by the engine itself, so that Cedar in WebAssembly need not be given all of it.
  const reaching = requests.slice(0, count >= 10_000 ? 60 : 400).map((request) => {
    const uids = [request.principal, request.resource, ...decideWithReads(request).reads];
    const reached = new Map(uids.map((uid) => [`${uid.type} ${uid.id}`, store.get(uid)]));
    return JSON.stringify({ ...request, entities: [...reached.values()].filter((entity) => entity !== undefined) });
  });
  const files = [{ file: 'bench.cedar', text }];
  const wasmSet = compilePolicies({ policies: files, schema, naming: 'position', evaluator: 'wasm' });
  const wasm = time({ decide: wasmSet.decide, given: reaching, make: fresh }, { rounds: 2, warm: 1 });

  const folder = mkdtempSync(join(tmpdir(), 'nullius-engine-'));
  const write = (name: string, content: string) => writeFileSync(join(folder, name), content);
  try {
    write('schema.cedarschema', schema);
    write('policies.cedar', text);
    write('entities.json', JSON.stringify(entities));
    write('requests.jsonl', texts.slice(0, 2_000).join('\n'));
    write('policies.rego', regoOf(policies));
    write('data.json', JSON.stringify(regoDataOf(entities)));
    write('requests.rego.jsonl', requests.map((request) => JSON.stringify(regoRequestOf(request))).join('\n'));
    const rust = program(process.env['ENGINE_BENCH_RUST'], [folder, '1']);
    const opa = program(process.env['ENGINE_BENCH_OPA'], [folder, count >= 10_000 ? '200' : '1000']);
    return { ...found, peers: { wasm, rust, opa } };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (import.meta.main) {
  // Memory is told only after a collection.
  setFlagsFromString('--expose-gc');
  globalThis.gc = runInNewContext('gc') as NonNullable<typeof globalThis.gc>;
  const [count, rounds, peers] = process.argv.slice(2);
  console.log(JSON.stringify(measure(Number(count), { rounds: Number(rounds), withPeers: peers === 'peers' })));
}
