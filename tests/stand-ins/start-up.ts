import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { freePort } from '../free-port.ts';

const program = fileURLToPath(new URL('./up.ts', import.meta.url));

/** Long enough for a busy machine; whoever asks while a process starts again is refused at once. */
const askMsMax = 30_000;

/** A temporary folder that goes with the test. */
export function temporaryFolder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'nullius-'));
  t.after(() => rmSync(path, { recursive: true, force: true, maxRetries: 5 }));
  return path;
}

/** Starts `up` with stand-ins on a data folder and waits for its ready line, or its end. */
export async function startUp(t: TestContext, { data, overrides = [] }: { data: string; overrides?: string[] }) {
  const port = await freePort();
  const child = spawn(process.execPath, [program, data, String(port), ...overrides], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, SECRET_OF_OURS: 'x' },
  });
  let stdout = '';
  let stderr = '';
  const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  t.after(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const ready = new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk) => {
      stdout += String(chunk);
      if (stdout.includes('\n')) resolve();
    });
  });
  child.stderr.on('data', (chunk) => {
    stderr += String(chunk);
  });
  await Promise.race([ready, ended]);
  return {
    child,
    ended,
    port,
    stdout: () => stdout,
    stderr: () => stderr,
    /** Asks the gateway stand-in; undefined while it does not answer. */
    ask: async (path: string): Promise<unknown> => {
      try {
        const response = await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(askMsMax) });
        return response.ok ? await response.json() : undefined;
      } catch {
        return undefined;
      }
    },
  };
}

/** Asks again until the answer is the one wanted; the test's own time limit ends it otherwise. */
export async function eventually<T>(ask: () => Promise<T | undefined> | T | undefined): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}
