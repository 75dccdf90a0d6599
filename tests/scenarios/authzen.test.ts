// An application that only asks: its schema, policies and entities published and stored from the command line, its questions over a socket.
import assert from 'node:assert/strict';
import { appendFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { request as requestTls } from 'node:https';
import { join } from 'node:path';
import { test } from 'node:test';
import { freePort } from '../free-port.ts';
import { type Installation, installationFor } from '../installation.ts';
import { makeCertificate } from '../test-certificate.ts';

const root = join(import.meta.dirname, '../..');
const morty = 'CiRmZDE2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs';

function post(to: { port: number; host: string; path: string; token: string }, body: unknown) {
  return new Promise<{ status: number; text: string }>((resolve, reject) => {
    const { port, host, path, token } = to;
    const headers = { host, 'content-type': 'application/json', authorization: `Bearer ${token}` };
    const sent = request({ host: '127.0.0.1', port, path, method: 'POST', agent: false, headers }, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += String(chunk);
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    sent.on('error', reject);
    sent.end(JSON.stringify(body));
  });
}

/** As an application that shows a certificate: the status of its answer, and the decision. */
function postByCertificate(to: { port: number; ca: string; shown: { cert: string; key: string } }, body: unknown) {
  const { port, ca, shown } = to;
  return new Promise<{ status: number; decision: boolean | null }>((resolve, reject) => {
    const sent = requestTls(
      {
        ...{ host: '127.0.0.1', port, servername: 'pdp.localhost', ca, ...shown },
        ...{ path: '/access/v1/evaluation', method: 'POST', agent: false },
        headers: { host: `pdp.localhost:${port}`, 'content-type': 'application/json' },
      },
      (response) => {
        let text = '';
        response.on('data', (chunk) => {
          text += String(chunk);
        });
        response.on('end', () => {
          const status = response.statusCode ?? 0;
          resolve({ status, decision: status === 200 ? JSON.parse(text).decision : null });
        });
      },
    );
    sent.on('error', reject);
    sent.end(JSON.stringify(body));
  });
}

/** The shipped policies with those of the example, in one folder. */
function todoPolicies(folder: string): string {
  const policies = join(folder, 'todo-policies');
  mkdirSync(policies);
  cpSync(join(root, 'policies'), policies, { recursive: true });
  cpSync(join(root, 'examples/authzen-todo/todo.cedar'), join(policies, 'todo.cedar'));
  rmSync(join(policies, 'schema.cedarschema'));
  const schemas = ['policies/schema.cedarschema', 'examples/authzen-todo/todo.cedarschema'];
  const texts = schemas.map((file) => readFileSync(join(root, file), 'utf8'));
  writeFileSync(join(policies, 'schema.cedarschema'), texts.join('\n'));
  return policies;
}

async function run(installation: Installation, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await installation.cli(...args);
  assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
  return stdout;
}

test('an application that only asks is set up from the command line and gets its answers', {
  timeout: 300_000,
}, async (t) => {
  const up = await installationFor(t, { overrides: ['listen.pdp=127.0.0.1:0'] });
  const url = /the PDP answers on http:\/\/127\.0\.0\.1:(\d+)/.exec(up.stderr());
  const port = Number(url?.[1]);
  assert.ok(port > 0, up.stderr());

  const early = await up.cli('entity', 'import', join(root, 'examples/authzen-todo/entities.json'));
  assert.equal(early.code, 2);
  assert.match(early.stderr, /no type `Todo::user`/);
  await run(up, 'policy', 'publish', '--from', todoPolicies(up.folder), '-m', 'the to-do application');
  await run(up, 'entity', 'import', join(root, 'examples/authzen-todo/entities.json'));
  const stored = JSON.parse(await run(up, 'entity', 'list', '--json')) as { id: string }[];
  assert.ok(stored.some(({ id }) => id === `Todo::user::"${morty}"`));
  const slip = await up.cli('token', 'create', '--scope', 'pdp:namespace:Tood');
  assert.notEqual(slip.code, 0);
  assert.match(slip.stderr, /no namespace `Tood`; the nearest is `Todo`/);
  const token = (await run(up, 'token', 'create', '--scope', 'pdp:namespace:Todo', '--label', 'to-do')).trim();

  const question = (ownerID: string) => ({
    subject: { type: 'user', id: morty },
    action: { name: 'can_update_todo' },
    resource: { type: 'todo', id: '1', properties: { ownerID } },
  });
  const ask = async (ownerID: string, at = { port, host: '127.0.0.1' }) =>
    post({ ...at, path: '/access/v1/evaluation', token }, question(ownerID));
  const own = await ask('morty@the-citadel.com');
  assert.equal(own.status, 200, own.text);
  assert.equal(JSON.parse(own.text).decision, true);
  assert.equal(JSON.parse((await ask('rick@the-citadel.com')).text).decision, false);
  const public_ = await ask('morty@the-citadel.com', { port: up.port, host: `pdp.localhost:${up.port}` });
  assert.equal(JSON.parse(public_.text).decision, true, 'the reserved host answers the same');

  const { id } = JSON.parse(own.text).context;
  assert.match(await run(up, 'log', 'query', '--json'), new RegExp(id));
  const shown = JSON.parse(await run(up, 'pdp', 'show', '--json'));
  assert.deepEqual(
    shown.callers.map(({ label, scopes }: { label: string; scopes: string[] }) => [label, scopes]),
    [['to-do', ['pdp:namespace:Todo']]],
  );

  await run(up, 'entity', 'remove', `Todo::user::"${morty}"`);
  assert.equal(JSON.parse((await ask('morty@the-citadel.com')).text).decision, false, 'nobody stored any more');
  await run(up, 'token', 'revoke', shown.callers[0].id);
  assert.equal((await ask('morty@the-citadel.com')).status, 401);
});

test('what is stored for an application fits its schema, tags and exact integers included; what does not is refused by name', {
  timeout: 300_000,
}, async (t) => {
  const up = await installationFor(t, { overrides: [`listen.pdp=127.0.0.1:${await freePort()}`] });
  const port = Number(/the PDP answers on http:\/\/127\.0\.0\.1:(\d+)/.exec(up.stderr())?.[1]);
  const policies = todoPolicies(up.folder);
  appendFileSync(
    join(policies, 'schema.cedarschema'),
    `namespace Shop {
  entity team in [team];
  entity user in [team] { level: Long } tags Set<String>;
  entity item;
  action buy appliesTo { principal: [user], resource: [item], context: { count?: Long } };
}`,
  );
  writeFileSync(
    join(policies, 'shop.cedar'),
    `@id("buy") permit (principal in Shop::team::"t", action == Shop::Action::"buy", resource is Shop::item)
when { principal.level == 9007199254740991 && principal.hasTag("may") && principal.getTag("may").contains("buy") };`,
  );
  await run(up, 'policy', 'publish', policies, '-m', 'a shop');
  const file = join(up.folder, 'entities.json');
  const store = async (entities: string) => {
    writeFileSync(file, entities);
    const { code, stderr } = await up.cli('entity', 'import', file);
    return `${code} ${stderr.replace(file, 'FILE').trim()}`;
  };
  const user = (rest: object, type = 'user') =>
    JSON.stringify([{ uid: { type: `Shop::${type}`, id: 'a' }, attrs: {}, parents: [], ...rest }]);
  const misfit = '2 nullius: `Shop::user::"a"` does not fit the schema in force:';
  assert.equal(
    await store(user({ attrs: { level: 'x' } })),
    `${misfit} attribute \`level\`: expected a 64-bit integer`,
  );
  assert.match(await store(user({ attrs: { level: 0 } }).replace('0', '9007199254740993')), /expected an integer from/);
  assert.equal(await store(user({ attrs: { levl: 1 } })), `${misfit} \`Shop::user\` has no attribute \`levl\``);
  assert.equal(await store(user({ tags: { may: 'buy' } })), `${misfit} tag \`may\`: expected a set`);
  const item = { type: 'Shop::item', id: 'i' };
  assert.equal(
    await store(user({ parents: [item] })),
    `${misfit} a \`Shop::item\` cannot stand above a \`Shop::user\``,
  );
  const above = (id: string, parent: string) => ({
    uid: { type: 'Shop::team', id },
    attrs: {},
    parents: [{ type: 'Shop::team', id: parent }],
  });
  assert.match(await store(JSON.stringify([above('x', 'y'), above('y', 'x')])), /^2 .*would stand above itself/);
  assert.match(await store(JSON.stringify([above('t', 'u')])), /^0 /);
  assert.match(await store(JSON.stringify([above('u', 't')])), /^2 .*would stand above itself/, 'with what is stored');
  assert.match(await store('[{"uid":\n }]'), /^2 nullius: FILE:2:3: expected a value, found `}`/);
  assert.match(await store(`${'['.repeat(10_000)}${']'.repeat(10_000)}`), /FILE:1:\d+: nests deeper than 64 levels/);

  const good = {
    attrs: { level: 9007199254740991 },
    tags: { may: ['buy'] },
    parents: [{ type: 'Shop::team', id: 't' }],
  };
  assert.match(await store(user(good)), /^0 /);
  const token = (await run(up, 'token', 'create', '--scope', 'pdp:namespace:Shop')).trim();
  const question = { subject: { type: 'user', id: 'a' }, action: { name: 'buy' }, resource: { type: 'item', id: 'i' } };
  const ask = async () =>
    (await post({ port, host: '127.0.0.1', path: '/access/v1/evaluation', token }, question)).text;
  assert.equal(JSON.parse(await ask()).decision, true);
  assert.match(await store(user({ ...good, tags: { may: ['look'] } })), /^0 /);
  assert.equal(JSON.parse(await ask()).decision, false);
  const wrong = async (rest: object) => {
    const asked = { ...question, ...rest };
    const { text } = await post({ port, host: '127.0.0.1', path: '/access/v1/evaluation', token }, asked);
    return JSON.parse(text).context.error.message;
  };
  assert.equal(await wrong({ context: { count: 'x' } }), 'context `count`: expected a 64-bit integer');
  const unknown = { type: 'user', id: 'b', properties: { level: true } };
  assert.equal(await wrong({ subject: unknown }), 'subject: attribute `level`: expected a 64-bit integer');
});

test('an application is made a caller by its certificate, asks over mutual TLS, and is refused once that is revoked', {
  timeout: 300_000,
}, async (t) => {
  const up = await installationFor(t, { overrides: [`listen.pdpTls=127.0.0.1:${await freePort()}`] });
  const port = Number(/callers with certificates reach the PDP on port (\d+)/.exec(up.stderr())?.[1]);
  assert.ok(port > 0, up.stderr());
  const shown = await makeCertificate(['wiki-checks']);
  const file = join(up.folder, 'client.pem');
  // As many tools write it: what is private beside what is not.
  writeFileSync(file, `${shown.key}${shown.cert}`);
  const stray = await up.cli('token', 'create', '--scope', 'user:read', '--certificate', file);
  assert.match(stray.stderr, /taken by the PDP only/);
  const scope = ['--scope', 'pdp:app:demo'];
  const made = JSON.parse(
    await run(up, 'token', 'create', ...scope, '--label', 'checks', '--certificate', file, '--json'),
  );
  assert.deepEqual([made.token, made.hash], [null, undefined]);
  const again = await up.cli('token', 'create', ...scope, '--certificate', file);
  assert.match(again.stderr, /make a new key/);

  const ca = readFileSync(join(up.data, 'ca.pem'), 'utf8');
  const question = {
    subject: { type: 'anonymous', id: 'anonymous' },
    action: { name: 'read' },
    resource: { type: 'app', id: 'demo' },
  };
  const ask = (as = shown) => postByCertificate({ port, ca, shown: as }, question);
  assert.deepEqual(await ask(), { status: 200, decision: true });
  assert.deepEqual(await ask(await makeCertificate(['wiki-checks'])), { status: 401, decision: null });
  const view = JSON.parse(await run(up, 'pdp', 'show', '--json'));
  assert.deepEqual(
    view.callers.map(({ label, keyHash }: { label: string; keyHash: string }) => [label, keyHash]),
    [['checks', made.keyHash]],
  );
  assert.match(await run(up, 'pdp', 'show'), new RegExp(`https://pdp\\.localhost:${port} \\(by client certificate`));
  await run(up, 'token', 'revoke', made.id);
  assert.deepEqual(await ask(), { status: 401, decision: null });
});
