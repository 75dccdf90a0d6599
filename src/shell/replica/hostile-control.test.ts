// A control that lies: whoever sits on the socket must not make a replica believe anything that was not signed.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { canonicalJson } from '#foundation/encoding';
import { Replica, type ReplicaError } from './index.ts';
import { group, makeSigner, type TestSigner, token, until } from './replica-bench.ts';

type Row = Record<string, unknown>;

const rows: Row[] = [
  { kind: 'group', id: 'ops', revision: 3, body: group('Ops') },
  { kind: 'group', id: 'dev', revision: 5, body: group('Dev') },
];

function statementOf(facts: readonly Row[], over: Row = {}): Row {
  const hash = createHash('sha256');
  for (const fact of facts) hash.update(`${canonicalJson(fact)}\n`);
  return { epoch: 10, revision: 5, factCount: facts.length, digest: hash.digest('base64url'), ...over };
}

const snapshot = (statement: string, facts: readonly Row[]): unknown[] => [
  { type: 'snapshot', statement },
  ...facts.map((fact) => ({ type: 'fact', fact })),
  { type: 'snapshot-end' },
];
const beat = { type: 'heartbeat', epoch: 10, revision: 5, leaseMs: 60_000 };

/** Serves these lines to every follower, then keeps the connection open. */
async function withFollower(
  lines: readonly unknown[],
  body: (replica: Replica, problems: ReplicaError[]) => Promise<void>,
  signer: TestSigner,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'nullius-hostile-'));
  const socketPath = join(folder, 's');
  const text = lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('');
  const server = createServer((_request, response) => void response.write(text)).listen(socketPath);
  await once(server, 'listening');
  const problems: ReplicaError[] = [];
  const replica = await Replica.start({
    control: { socketPath, token },
    signerKeys: [signer.jwk],
    positionFile: join(folder, 'position.json'),
    verifyPublication: async () => {},
    clock: Date.now,
    monotonicClock: () => performance.now(),
    onProblem: (problem) => problems.push(problem),
  });
  try {
    await body(replica, problems);
  } finally {
    await replica.close();
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true });
  }
}

test('a replica believes a snapshot that is signed and whole', { timeout: 240_000 }, async () => {
  const signer = await makeSigner();
  const lines = [...snapshot(await signer.sign(statementOf(rows)), rows), beat];
  await withFollower(
    lines,
    async (replica) => {
      await replica.whenFresh();
      assert.equal(replica.table.size, 2);
    },
    signer,
  );
});

test('a replica believes no snapshot that is forged, altered, cut, padded or for something else', {
  timeout: 240_000,
}, async (t) => {
  const signer = await makeSigner();
  const stranger = await makeSigner();
  const good = await signer.sign(statementOf(rows));
  const [header = '', payload = '', signature = ''] = good.split('.');
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const [first, second] = rows as [Row, Row];
  const evil = { ...first, body: group('Administrators') };
  const cases: Record<string, unknown[]> = {
    'another key of the same name': snapshot(await stranger.sign(statementOf(rows)), rows),
    'a key nobody knows': snapshot(await signer.sign(statementOf(rows), { kid: 'signer-2' }), rows),
    'no key id': snapshot(await signer.sign(statementOf(rows), { kid: undefined }), rows),
    'a publication passed off as a snapshot': snapshot(
      await signer.sign(statementOf(rows), { typ: 'nullius-publication+jws' }),
      rows,
    ),
    'no type': snapshot(await signer.sign(statementOf(rows), { typ: undefined }), rows),
    'the algorithm none': snapshot(
      `${encode({ alg: 'none', kid: 'signer-1', typ: 'nullius-snapshot+jws' })}.${payload}.`,
      rows,
    ),
    'an altered payload': snapshot(`${header}.${encode(statementOf(rows, { epoch: 11 }))}.${signature}`, rows),
    'white space in base64url': snapshot(`${header}.${payload}.${signature.slice(0, 10)} ${signature.slice(10)}`, rows),
    'padding in base64url': snapshot(`${header}.${payload}.${signature}==`, rows),
    'a member more in the statement': snapshot(await signer.sign(statementOf(rows, { admin: true })), rows),
    'a fact altered': snapshot(good, [evil, second]),
    'a fact left out': snapshot(good, [first]),
    'a fact more': snapshot(good, [...rows, { ...first, id: 'evil' }]),
    'facts in another order': snapshot(good, [second, first]),
    'a fact twice': snapshot(await signer.sign(statementOf([first, first])), [first, first]),
    'a removed fact': snapshot(await signer.sign(statementOf([{ ...first, body: null }])), [{ ...first, body: null }]),
    'a fact from the future': snapshot(await signer.sign(statementOf([{ ...first, revision: 6 }])), [
      { ...first, revision: 6 },
    ]),
    'a fact no schema knows': snapshot(await signer.sign(statementOf([{ ...first, kind: 'root' }])), [
      { ...first, kind: 'root' },
    ]),
    'facts without a snapshot': [{ type: 'fact', fact: first }, { type: 'snapshot-end' }],
    'a change without a snapshot': [{ type: 'change', revision: 1, facts: [{ ...first, revision: 1 }] }],
    'a heartbeat of nothing': [{ ...beat, epoch: 0, revision: 0 }],
    'a snapshot within another': [{ type: 'snapshot', statement: good }, ...snapshot(good, rows)],
    'a heartbeat before the end of the snapshot': [{ type: 'snapshot', statement: good }],
    'a frame nobody knows': [...snapshot(good, rows).slice(0, 2), { type: 'hello' }],
    'a frame with a member more': [{ type: 'snapshot', statement: good, epoch: 5 }],
    'no JSON': ['{"type":'],
  };
  for (const [name, lines] of Object.entries(cases)) {
    await t.test(name, async () => {
      await withFollower(
        [...lines, beat],
        async (replica, problems) => {
          await until(() => problems.length > 0);
          assert.ok(['not-authentic', 'malformed'].includes(problems[0]?.code ?? ''), problems[0]?.message);
          assert.equal(replica.table.size, 0);
          assert.equal(replica.state().state, 'never-synced');
        },
        signer,
      );
    });
  }
});

test('a replica refuses changes out of order and heartbeats that do not fit', { timeout: 240_000 }, async (t) => {
  const signer = await makeSigner();
  const open = snapshot(await signer.sign(statementOf(rows)), rows);
  const fact = (revision: number) => ({ ...rows[0], revision });
  const cases: Record<string, unknown[]> = {
    'a gap': [{ type: 'change', revision: 7, facts: [fact(7)] }],
    'a change played back': [{ type: 'change', revision: 5, facts: [fact(5)] }],
    'a fact of another revision': [{ type: 'change', revision: 6, facts: [fact(5)] }],
    'an unknown kind': [{ type: 'change', revision: 6, facts: [{ ...fact(6), kind: 'root' }] }],
    'a heartbeat of later facts': [{ ...beat, revision: 6 }],
    'a heartbeat of another epoch': [{ ...beat, epoch: 11 }],
    'a lease of a year': [{ ...beat, leaseMs: 365 * 24 * 3_600_000 }],
    'a lease below nothing': [{ ...beat, leaseMs: -1 }],
  };
  for (const [name, lines] of Object.entries(cases)) {
    await t.test(name, async () => {
      await withFollower(
        [...open, ...lines, beat],
        async (replica, problems) => {
          await until(() => problems.length > 0);
          assert.equal(problems[0]?.code, 'malformed', problems[0]?.message);
          assert.equal(replica.table.revision, 5);
          assert.equal(replica.state().state, 'never-synced', 'no lease was given');
        },
        signer,
      );
    });
  }
});
