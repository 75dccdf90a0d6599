import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startTestControl, type TestControl } from '../../../tests/fakes/test-control.ts';

let control: TestControl;
before(async () => {
  control = await startTestControl();
});
after(async () => control.stop());

const admin = (method: string, path: string, body?: unknown) =>
  control.call(method, `/api/v1${path}`, body === undefined ? {} : { body });

async function publishAlso(file: { file: string; text: string }, message: string): Promise<void> {
  const { policies } = (await admin('GET', '/policies/current')).body;
  const body = { policies: [...policies, file], message, override: message };
  const published = await admin('POST', '/policies/publish', body);
  assert.equal(published.status, 200, published.text);
}

test('a policy that fails is a finding: counted, with what failed and whether it refused', async () => {
  const fails = 'context.session.authAgeSeconds * 9223372036854775807 > 0';
  const text = `@id("overflows") forbid (principal, action == Action::"administer-read", resource)
when { context.noun == "grant" && ${fails} };
@id("overflows-too") permit (principal, action == Action::"administer-read", resource)
when { context.noun == "segment" && ${fails} };
@id("overflows-beside") permit (principal, action == Action::"administer-read", resource)
when { context.noun == "grant" && ${fails} };`;
  await publishAlso({ file: 'overflows.cedar', text }, 'to see it fail');
  for (let times = 0; times < 2; times += 1) assert.equal((await admin('GET', '/grants')).status, 403);
  assert.equal((await admin('GET', '/segments')).status, 200, 'a permit that fails refuses nothing');
  const { isComplete, items } = (await admin('GET', '/policies/errors')).body;
  const message = 'integer overflow while attempting to multiply';
  assert.deepEqual(
    [isComplete, ...items.map(({ lastAt: _at, example: _id, ...each }: Record<string, unknown>) => each)],
    [
      true,
      { policy: 'overflows', times: 2, refused: 2, message },
      { policy: 'overflows-beside', times: 2, refused: 0, message },
      { policy: 'overflows-too', times: 1, refused: 0, message },
    ],
  );
});

test('what a failure tells of an event is for those alone who may read events', async () => {
  const [before] = (await admin('GET', '/policies/errors')).body.items;
  assert.deepEqual([typeof before.message, typeof before.example], ['string', 'string']);
  const text = `@id("no-events") forbid (principal, action == Action::"administer-read", resource)
when { context.noun == "event" };`;
  await publishAlso({ file: 'no-events.cedar', text }, 'to see less');
  assert.equal((await admin('GET', '/events')).status, 403);
  const [after] = (await admin('GET', '/policies/errors')).body.items;
  assert.deepEqual(after, { ...before, message: null, example: null });
});
