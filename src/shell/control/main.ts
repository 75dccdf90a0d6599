// The control process, started by the supervisor with its handoff over IPC.
import { readFileSync } from 'node:fs';
import { beChild } from '#shell/child';
import { SignerCallError } from '#shell/signer-client';
import { StoreError } from '#shell/store';
import { ControlStartError, startControl } from './start-control.ts';

const manifest = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const child = await beChild('control');
try {
  const control = await startControl(child.handoff, {
    clock: Date.now,
    version: manifest.version,
    notice: (line) => child.notice(line),
    fail: (words) => void child.fail(words),
  });
  child.onStop(() => control.stop());
  child.ready();
} catch (error) {
  const isForPeople =
    error instanceof ControlStartError || error instanceof StoreError || error instanceof SignerCallError;
  await child.fail(
    isForPeople ? error.message : `control could not start: ${error instanceof Error ? error.message : String(error)}`,
  );
}
