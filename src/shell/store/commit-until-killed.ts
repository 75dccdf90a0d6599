// Started by store-faults.test.ts: commits without end, saying each acknowledged turn on stdout, until it is killed.
import { writeSync } from 'node:fs';
import { openStore } from './index.ts';

const [path = '', name = ''] = process.argv.slice(2);
const store = await openStore({ path, clock: Date.now, writer: name });
const lanes = [0, 1, 2].map(async (lane) => {
  for (let turn = 0; ; turn += 1) {
    const id = `${name}-${lane}-${turn}`;
    const body = { displayName: id, description: 'x'.repeat(turn % 400), memberOf: [], origin: 'api' as const };
    const time = Date.now();
    const event = {
      ...{ id, time, classUid: 3004, activityId: 1, severityId: 1, statusId: 1 as const, subject: 'system' },
      ...{ policySequence: 0, factRevision: 0, payload: {} },
    };
    await store.commit([{ kind: 'group', id, body }], [event]);
    writeSync(1, `${id}\n`);
  }
});
await Promise.all(lanes);
