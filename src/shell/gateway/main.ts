// The gateway process. Node's permission model keeps it to its own folders; see docs/ARCHITECTURE.md, "Processes".
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { beChild, dropWorkers } from '#shell/child';
import { pooledRandomBytes } from './pooled-random-bytes.ts';
import { startGateway } from './start-gateway.ts';

const manifest = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const child = await beChild('gateway');
try {
  const gateway = await startGateway(child.handoff, {
    version: manifest.version,
    clock: Date.now,
    monotonicClock: () => performance.now(),
    randomBytes: pooledRandomBytes(),
    journalDirectory: join(child.handoff.dataDirectory, 'journal', child.handoff.name),
    privateDirectory: join(child.handoff.dataDirectory, 'gateway', child.handoff.name),
    notice: (line) => child.notice(`${child.handoff.name}: ${line}`),
    fail: (words) => void child.fail(words),
  });
  child.onStop(() => gateway.close());
  dropWorkers();
  child.ready();
} catch (error) {
  await child.fail(error instanceof Error ? error.message : String(error));
}
