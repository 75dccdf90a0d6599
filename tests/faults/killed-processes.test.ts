// Each process killed under load, through the public surface: the gate shuts, opens again, and nothing that was acknowledged is lost.
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { rmSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Installation, installationFor, startApp, startInstallation } from '../installation.ts';
import type { PasskeyClient } from '../passkey-client.ts';
import { ask, enrolled, eventually, type ProcessName, processesOf, signalTo } from './product.ts';

const askersAtOnce = 4;
/** Answers of the app, once its gate was shut, after which the load ends. */
const answersAfterKill = 60;
const shutPauseMs = 20;
/** What a shut gate says: nothing at all, or that it cannot now. */
const shut = new Set([0, 502, 503, 504]);

interface Load {
  /** Answers that somebody got who must not get any. */
  readonly leaks: string[];
  /** Resolves when the app has answered for the first time. */
  readonly begun: Promise<void>;
  /** Resolves when it has answered often enough from now on, and nobody asks any more. */
  untilOpenAgain(): Promise<unknown>;
  stop(): void;
}

/** Somebody who may enter, somebody who may not and a stranger ask for the same app, over and over. */
function putUnderLoad(
  installation: Installation,
  people: { allowed: PasskeyClient; refused: PasskeyClient; stranger: PasskeyClient },
): Load {
  const leaks: string[] = [];
  const begun = Promise.withResolvers<void>();
  const url = `${installation.appOrigin('wiki')}/page`;
  let left = Number.POSITIVE_INFINITY;
  const asker = async () => {
    while (left > 0) {
      const [allowed, refused, stranger] = await Promise.all([
        ask(people.allowed, url),
        ask(people.refused, url),
        ask(people.stranger, url),
      ]);
      if (allowed.status !== 200 && !shut.has(allowed.status)) leaks.push(`allowed got ${allowed.status}`);
      for (const [who, { status }] of [['refused', refused] as const, ['stranger', stranger] as const]) {
        if (status !== 403 && status !== 401 && !shut.has(status)) leaks.push(`${who} got ${status}`);
      }
      if (allowed.status === 200) {
        begun.resolve();
        left -= 1;
      } else await sleep(shutPauseMs);
    }
  };
  const ended = Promise.all(Array.from({ length: askersAtOnce }, asker));
  return {
    leaks,
    begun: begun.promise,
    untilOpenAgain: () => {
      left = answersAfterKill;
      return ended;
    },
    stop: () => {
      left = 0;
    },
  };
}

/** Everything in the log, by the API that `nullius log query` uses. */
async function eventsOf(installation: Installation, text: string): Promise<{ id: string; payload: unknown }[]> {
  const { code, stdout, stderr } = await installation.cli('log', 'query', '--json', '--limit', '10000', '--text', text);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as { id: string; payload: unknown }[];
}

test('killing any process under load opens nothing and loses nothing that was acknowledged', async (t) => {
  const app = await startApp(t);
  const installation = await installationFor(t);
  const admin = installation.person();
  await admin.enrol(installation.firstAdministrator, { name: 'ada' });
  await admin.open(installation.consoleOrigin);
  assert.equal((await installation.cli('protect', app.origin, '--as', 'wiki')).code, 0);
  const wiki = installation.appOrigin('wiki');
  assert.equal((await admin.open(wiki)).status, 200);
  const refused = await enrolled(installation, 'grace');
  assert.equal((await refused.open(wiki)).status, 403);
  const people = { allowed: admin, refused, stranger: installation.person() };
  const acknowledged: string[] = [];
  let isChanging = true;
  /** Makes groups, one after another, and remembers those whose making was answered. */
  const changing = (async () => {
    for (let count = 1; isChanging; count += 1) {
      const name = `made-${count}`;
      const made = await ask(admin, `${installation.consoleOrigin}/api/v1/groups`, { body: { name } });
      if (made.status === 201) acknowledged.push(name);
      await sleep(20);
    }
  })();
  t.after(() => {
    isChanging = false;
  });

  for (const name of ['gateway', 'control', 'signer'] as ProcessName[]) {
    await t.test(`${name}: the gate is shut meanwhile, it starts again, sessions go on`, async () => {
      const before = processesOf(installation);
      const acknowledgedBefore = acknowledged.length;
      const load = putUnderLoad(installation, people);
      t.after(() => load.stop());
      await load.begun;
      await sleep(randomInt(20, 300));
      signalTo(installation, { name, signal: 'SIGKILL' });
      const ended = load.untilOpenAgain();
      await eventually(
        () => installation.stderr().includes(`nullius: ${name} serves again`),
        `${name} serves again\n${installation.stderr()}`,
      );
      await eventually(
        async () => (await ask(admin, `${wiki}/page`)).status === 200,
        'the session opens the app again',
      );
      await ended;
      assert.deepEqual(load.leaks, []);
      await eventually(() => acknowledged.length > acknowledgedBefore + 1, 'changes are acknowledged again');
      const after = processesOf(installation);
      for (const each of ['gateway', 'control', 'signer'] as const)
        assert.equal(after[each] === before[each], each !== name, each);
    });
  }
  isChanging = false;
  await changing;

  await t.test('every acknowledged change is there, as a fact and as an event', async () => {
    assert.ok(acknowledged.length > 3, `${acknowledged.length} changes were acknowledged`);
    const groups = await installation.cli('group', 'list', '--json');
    const named = new Set([...groups.stdout.matchAll(/"id":\s*"(made-\d+)"/g)].map((match) => match[1]));
    assert.deepEqual(
      acknowledged.filter((name) => !named.has(name)),
      [],
    );
    const told = JSON.stringify(await eventsOf(installation, 'made-'));
    assert.deepEqual(
      acknowledged.filter((name) => !told.includes(`"${name}"`) && !told.includes(`\`${name}\``)),
      [],
    );
  });

  await t.test('every request that reached the app has its event, and was one that was allowed', async () => {
    const written = new Map((await eventsOf(installation, '/page')).map((event) => [event.id, JSON.stringify(event)]));
    const reached = app.requests.filter(({ url }) => url === '/page');
    assert.ok(reached.length > answersAfterKill);
    for (const { headers } of reached) {
      const event = written.get(String(headers['nullius-decision']));
      assert.ok(event !== undefined, `request ${headers['nullius-decision']} has no event`);
      assert.match(event, /"ada"/);
      const [, claims = ''] = String(headers['nullius-assertion']).split('.');
      assert.equal(JSON.parse(Buffer.from(claims, 'base64url').toString()).name, 'ada');
    }
  });

  await t.test('the log proves itself', async () => {
    const verified = await installation.cli('log', 'verify');
    assert.equal(verified.code, 0, verified.stdout + verified.stderr);
  });

  await t.test('killing the supervisor ends its children, and the next start goes on with everything', async () => {
    const children = Object.values(processesOf(installation));
    assert.equal(children.length, 3);
    installation.process.kill('SIGKILL');
    await installation.ended;
    const isAlive = (pid: number) => {
      try {
        process.kill(pid, 0);
        return true;
      } catch {
        return false;
      }
    };
    await eventually(() => !children.some(isAlive), 'the children ended');
    const next = await startInstallation({ folder: installation.folder, port: installation.port });
    try {
      await eventually(
        async () => (await ask(admin, `${wiki}/page`)).status === 200,
        'the session opens the app again',
      );
      assert.equal((await ask(people.stranger, `${wiki}/page`)).status, 401);
      const verified = await next.cli('log', 'verify');
      assert.equal(verified.code, 0, verified.stdout + verified.stderr);
    } finally {
      await next.stop();
      rmSync(next.folder, { recursive: true, force: true, maxRetries: 5 });
    }
  });
});
