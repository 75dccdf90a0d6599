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

test('a policy that fails is a finding: counted, with what failed and whether it refused', async () => {
  const fails = 'context.session.authAgeSeconds * 9223372036854775807 > 0';
  const text = `@id("overflows") forbid (principal, action == Action::"administer-read", resource)
when { context.noun == "grant" && ${fails} };
@id("overflows-too") permit (principal, action == Action::"administer-read", resource)
when { context.noun == "segment" && ${fails} };`;
  const { policies } = (await admin('GET', '/policies/current')).body;
  const published = await admin('POST', '/policies/publish', {
    policies: [...policies, { file: 'overflows.cedar', text }],
    message: 'to see it fail',
    override: 'to see it fail',
  });
  assert.equal(published.status, 200, published.text);
  for (let times = 0; times < 2; times += 1) assert.equal((await admin('GET', '/grants')).status, 403);
  assert.equal((await admin('GET', '/segments')).status, 200, 'a permit that fails refuses nothing');
  const { isComplete, items } = (await admin('GET', '/policies/errors')).body;
  const message = 'integer overflow while attempting to multiply';
  assert.deepEqual(
    [isComplete, ...items.map(({ lastAt: _at, example: _id, ...each }: Record<string, unknown>) => each)],
    [
      true,
      { policy: 'overflows', times: 2, refused: 2, message },
      { policy: 'overflows-too', times: 1, refused: 0, message },
    ],
  );
});
