// `node src/decision/engine/decide.bench.ts`: microseconds a decision, compiled and in WebAssembly, by number of policies.
import type { DecisionRequest, EntityJson } from '#decision/engine';
import { compilePolicies } from './index.ts';

const schema = `
entity Group in [Group]; entity User in [Group] { name: String, status: String };
entity Segment in [Segment]; entity App in [Segment] { sensitivity: String };
action access; action read, write in [access] appliesTo { principal: [User], resource: [App],
  context: { route: String, address: ipaddr, session: { bound: Bool, age: Long } } };`;

function policiesOf(count: number): string {
  const shapes = [
    (i: number) => `permit(principal in Group::"g${i}", action in Action::"access", resource == App::"a${i}");`,
    (i: number) => `permit(principal in Group::"g${i}", action == Action::"read", resource in Segment::"s${i}")
      when { context.session.age < ${i} && context.address.isInRange(ip("10.0.0.0/8")) };`,
    (i: number) => `permit(principal == User::"u${i}", action, resource) unless { resource.sensitivity == "high" };`,
    (i: number) =>
      `forbid(principal, action == Action::"write", resource == App::"a${i}") when { !context.session.bound };`,
  ];
  const fixed = `forbid(principal, action, resource) when { principal.status == "suspended" };`;
  return fixed + Array.from({ length: count - 1 }, (_, i) => shapes[i % shapes.length]?.(i) ?? '').join('\n');
}

function entitiesOf(i: number): EntityJson[] {
  const group = { type: 'Group', id: `g${i}` };
  const segment = { type: 'Segment', id: `s${i}` };
  return [
    { uid: { type: 'User', id: `u${i}` }, attrs: { name: 'x', status: 'active' }, parents: [group] },
    { uid: group, attrs: {}, parents: [] },
    { uid: { type: 'App', id: `a${i}` }, attrs: { sensitivity: 'low' }, parents: [segment] },
    { uid: segment, attrs: {}, parents: [] },
  ];
}

function requests(isKept: boolean): (n: number) => DecisionRequest {
  const kept = Array.from({ length: 8 }, (_, i) => entitiesOf(i));
  return (n) => ({
    principal: { type: 'User', id: `u${n % 8}` },
    action: { type: 'Action', id: 'read' },
    resource: { type: 'App', id: `a${n % 8}` },
    context: {
      route: 'default',
      address: { __extn: { fn: 'ip', arg: '10.1.2.3' } },
      session: { bound: true, age: n % 100 },
    },
    entities: (isKept ? kept[n % 8] : undefined) ?? entitiesOf(n % 8),
  });
}

function microseconds(decide: (request: DecisionRequest) => unknown, next: (n: number) => DecisionRequest): number {
  const run = (rounds: number) => {
    const start = performance.now();
    for (let n = 0; n < rounds; n += 1) decide(next(n));
    return ((performance.now() - start) * 1000) / rounds;
  };
  const first = run(20);
  const rounds = Math.max(20, Math.min(200_000, Math.round(500_000 / first)));
  run(rounds);
  return Math.min(run(rounds), run(rounds), run(rounds));
}

console.log('policies  compiled, entities kept  compiled, entities new  wasm   (µs a decision)');
for (const count of [10, 100, 1_000, 10_000]) {
  const input = { policies: [{ file: 'p.cedar', text: policiesOf(count) }], schema, naming: 'position' as const };
  const compiled = compilePolicies(input);
  const kept = microseconds(compiled.decide, requests(true));
  const fresh = microseconds(compiled.decide, requests(false));
  const wasm = microseconds(compilePolicies({ ...input, evaluator: 'wasm' }).decide, requests(true));
  const cells = [kept, fresh, wasm].map((us) => us.toFixed(2).padStart(12));
  console.log(`${String(count).padStart(8)} ${cells.join(' ')}`);
}
