// The decisions that the AuthZEN working group publishes for its interoperability events (tests/vectors/authzen), over a real socket.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startTestPdp, tokenRow } from './test-pdp.ts';

interface Published {
  readonly evaluation: readonly { readonly request: unknown; readonly expected: boolean }[];
  readonly evaluations?: readonly { readonly request: unknown; readonly expected: readonly { decision: boolean }[] }[];
}

const folder = join(import.meta.dirname, '../../../../tests/vectors/authzen');
const published = ['01', '02'].map(
  (draft) =>
    JSON.parse(readFileSync(join(folder, `todo-decisions-authorization-api-1_0-${draft}.json`), 'utf8')) as Published,
);

test('the PDP gives every published decision of the AuthZEN to-do scenario', async (t) => {
  const { pdp, events } = await startTestPdp(t, { rows: [tokenRow('t-todo', 'nls_todo', ['pdp:namespace:Todo'])] });
  let count = 0;
  let batches = 0;
  for (const { evaluation, evaluations = [] } of published) {
    for (const { request, expected } of evaluation) {
      const { status, json } = await pdp('/access/v1/evaluation', request, { token: 'nls_todo' });
      assert.equal(status, 200);
      assert.equal(json.decision, expected, JSON.stringify(request));
      count += 1;
    }
    for (const { request, expected } of evaluations) {
      const { status, json } = await pdp('/access/v1/evaluations', request, { token: 'nls_todo' });
      assert.equal(status, 200);
      assert.deepEqual(
        json.evaluations.map(({ decision }: { decision: boolean }) => ({ decision })),
        expected,
        JSON.stringify(request),
      );
      count += expected.length;
      batches += 1;
    }
  }
  assert.equal(count, 86);
  assert.equal(events.length, 80 + batches, 'every question is in the journal, a batch about one person as one event');
});
