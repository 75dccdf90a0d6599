import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { test } from 'node:test';
import type { FollowServer } from './follow.ts';
import { type GatewayCallHandlers, localPeer, startGatewaySocket } from './gateway-socket.ts';

class Refusal extends Error {}

async function withSocket(
  handlers: Partial<GatewayCallHandlers>,
  body: (
    call: (path: string, init?: { body?: string; token?: string; method?: string }) => Promise<Answer>,
    errors: unknown[],
  ) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'nullius-calls-'));
  const socketPath = join(folder, 'g.sock');
  const errors: unknown[] = [];
  const follow = { close: () => {}, handle: async () => {} } as unknown as FollowServer;
  const socket = await startGatewaySocket({
    follow,
    handlers: handlers as GatewayCallHandlers,
    peerOf: localPeer('secret-token'),
    describe: (error) => (error instanceof Refusal ? { status: 403, code: 'no', detail: error.message } : undefined),
    onError: (error) => errors.push(error),
    socketPath,
  });
  try {
    assert.equal((await stat(socketPath)).mode & 0o777, 0o600);
    await body(async (path, init = {}) => {
      const asked = request({
        socketPath,
        path,
        method: init.method ?? 'POST',
        headers: { authorization: `Bearer ${init.token ?? 'secret-token'}` },
      });
      asked.end(init.body);
      const [response] = (await once(asked, 'response')) as [IncomingMessage];
      return { status: response.statusCode ?? 0, body: (await json(response)) as Record<string, unknown> };
    }, errors);
  } finally {
    await socket.close();
    await rm(folder, { recursive: true });
  }
}

interface Answer {
  status: number;
  body: Record<string, unknown>;
}

const hash = 'A'.repeat(43);

test('a call reaches its handler and brings its answer', () =>
  withSocket({ 'cookie/rotate': async ({ cookieHash }) => ({ cookie: `new-${cookieHash[0]}` }) }, async (call) => {
    const answer = await call('/call/cookie/rotate', { body: JSON.stringify({ cookieHash: hash }) });
    assert.deepEqual(answer, { status: 200, body: { cookie: 'new-A' } });
  }));

test('no call is heard without the token, and none that is not agreed', () => {
  let heard = 0;
  const handler = async () => {
    heard += 1;
    return { cookie: '' };
  };
  return withSocket({ 'cookie/rotate': handler }, async (call) => {
    const good = JSON.stringify({ cookieHash: hash });
    for (const token of ['', 'secret-toke', 'secret-token2', 'SECRET-TOKEN']) {
      assert.equal((await call('/call/cookie/rotate', { body: good, token })).status, 401);
    }
    const bad = [
      '',
      '{',
      '[]',
      'null',
      '{}',
      JSON.stringify({ cookieHash: 'short' }),
      JSON.stringify({ cookieHash: hash, more: 1 }),
    ];
    for (const body of bad) assert.equal((await call('/call/cookie/rotate', { body })).status, 400, body);
    const large = JSON.stringify({ cookieHash: hash, more: 'x'.repeat(1_100_000) });
    assert.equal((await call('/call/cookie/rotate', { body: large })).status, 400);
    for (const path of [
      '/call/',
      '/call/constructor',
      '/call/__proto__',
      '/call/cookie/rotate/',
      '/other',
      '/call/Cookie/Rotate',
    ]) {
      assert.equal((await call(path, { body: good })).status, 404, path);
    }
    assert.equal((await call('/call/cookie/rotate', { method: 'GET' })).status, 404);
    assert.equal(heard, 0);
  });
});

test('a refusal comes as a problem in words; another error as 500 that tells nothing', () =>
  withSocket(
    {
      'cookie/rotate': async () => Promise.reject(new Refusal('the session has ended')),
      'sign-out': async () => Promise.reject(new Error('password is hunter2')),
    },
    async (call, errors) => {
      const body = JSON.stringify({ cookieHash: hash });
      const refused = await call('/call/cookie/rotate', { body });
      assert.deepEqual([refused.status, refused.body['detail']], [403, 'the session has ended']);
      const broken = await call('/call/sign-out', { body });
      assert.equal(broken.status, 500);
      assert.ok(!JSON.stringify(broken.body).includes('hunter2'));
      assert.equal(errors.length, 1);
    },
  ));
