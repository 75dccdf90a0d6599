// `node src/decision/administration/judge.bench.ts`: microseconds of one question from facts to verdict, by the shipped policies;
// and of registering one stream and taking it out again.
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Question } from '#foundation/model';
import { fakeFactView } from '../../../tests/fakes/fact-view.ts';
import { publishedPolicies } from '../../../tests/published-policies.ts';
import { judge, LiveStreams } from './index.ts';

const shipped = join(import.meta.dirname, '../../../policies');
const now = 1_800_000_000_000;
const view = fakeFactView({
  group: { everyone: {}, staff: { memberOf: ['everyone'] }, engineers: { memberOf: ['staff'] } },
  user: { ben: { name: 'ben', groups: ['engineers'] } },
  session: { s: { user: 'ben', authTime: now - 1000 } },
  segment: { internal: { sensitivity: 'low' } },
  resource: { demo: { segment: 'internal' } },
});
const [people, apps] = [2_000, 50];
for (let n = 0; n < people; n += 1) {
  view.put('user', `u${n}`, { name: `u${n}`, groups: ['engineers'] });
  view.put('session', `s${n}`, { user: `u${n}`, authTime: now - 1000 });
}
for (let n = 0; n < apps; n += 1) view.put('resource', `a${n}`, { segment: 'internal' });
const policies = publishedPolicies({
  sequence: 1,
  schema: readFileSync(join(shipped, 'schema.cedarschema'), 'utf8'),
  policies: globSync(join(shipped, '*.cedar'))
    .sort()
    .map((file) => ({ file: basename(file), text: readFileSync(file, 'utf8') })),
  view,
});
const question = (n: number): Question => ({
  asker: { kind: 'session', sessionId: 's' },
  action: 'read',
  resource: { type: 'App', id: 'demo' },
  request: {
    method: 'GET',
    host: 'demo.localhost',
    path: `/${n % 1000}`,
    route: 'default',
    address: `10.0.0.${n % 250}`,
    tls: true,
    noun: '',
  },
});

/** Of another person about another app each time; every so often somebody signs in or out. */
function ofMany(n: number): Question {
  if (n % 20 === 0) view.put('session', 'other', { user: 'ben', authTime: now });
  const asked = question(n);
  const resource = { type: 'App', id: `a${n % apps}` };
  return { ...asked, asker: { kind: 'session', sessionId: `s${(n * 7) % people}` }, resource };
}

/** The least of many short windows: what else the machine does in between only ever adds. */
function microseconds(rounds: number, run: (n: number) => unknown): string {
  const window = 200;
  let least = Number.POSITIVE_INFINITY;
  for (let n = 0; n < rounds; ) {
    const start = performance.now();
    for (const end = n + window; n < end; n += 1) run(n);
    least = Math.min(least, ((performance.now() - start) * 1000) / window);
  }
  return least.toFixed(2);
}

const verdict = judge({ view, policies, question: question(0), now });
if (verdict.answer !== 'allow') throw new Error('the bench asks for what is allowed');
const streams = new LiveStreams({
  clock: () => now,
  monotonicClock: () => performance.now(),
  judge: () => verdict,
  readsNamed: () => false,
  yieldTurn: () => new Promise((resolve) => setImmediate(resolve)),
  onFault: () => {},
});
const stream = { sessionId: 's', userId: 'ben', question: question(0), verdict, cut: () => {} };
const kept = Array.from({ length: 10_000 }, () => streams.register(stream));
console.log(
  `judge()                                  ${microseconds(50_000, (n) => judge({ view, policies, question: question(n), now }))} µs`,
);
console.log(
  `judge(), ${people} people, facts change   ${microseconds(20_000, (n) => judge({ view, policies, question: ofMany(n), now }))} µs`,
);
console.log(
  `register and unregister, ${kept.length} open       ${microseconds(200_000, () => streams.register(stream)())} µs`,
);
const start = performance.now();
void streams.onFactsChanged([{ kind: 'session', id: 's', before: null, after: null }]);
console.log(`cut ${kept.length} streams of one session        ${(performance.now() - start).toFixed(1)} ms`);
