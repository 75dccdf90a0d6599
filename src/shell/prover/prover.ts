import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { proverFlags } from '../supervisor/least-privilege.ts';
import { entryOfProver } from './entry.ts';
import type { PolicyTexts, ProveAnswer, ProverMessage, ProverTask } from './messages.ts';

/** The prover could not say anything; `message` is fit for people. */
export class ProverError extends Error {
  override readonly name = 'ProverError';
}

export interface ProveLimits {
  /** For one question to the solver. */
  readonly checkMsMax?: number;
  /** For all of it; then the process is ended. */
  readonly taskMsMax?: number;
  readonly onProgress?: (progress: { done: number; total: number; what: string }) => void;
}

export const checkMsDefault = 10_000;
const taskMsDefault = 10 * 60_000;

/**
 * Proves invariants over policies, both as texts, in a process of its own that ends with the answer. Throws ProverError when there is no
 * answer: out of time, out of memory, or lost.
 */
export async function prove(
  texts: PolicyTexts & { readonly invariants: ProverTask['invariants'] },
  { checkMsMax = checkMsDefault, taskMsMax = taskMsDefault, onProgress }: ProveLimits = {},
): Promise<ProveAnswer> {
  return await run({ task: 'prove', ...texts, checkMsMax }, { taskMsMax, onProgress });
}

async function run(
  task: ProverTask,
  { taskMsMax, onProgress }: { taskMsMax: number; onProgress: ProveLimits['onProgress'] },
): Promise<ProveAnswer> {
  const child = spawn(process.execPath, [...proverFlags(), entryOfProver], {
    stdio: ['ignore', 'ignore', 2, 'ipc'],
    // Nothing is inherited.
    env: {},
    serialization: 'advanced',
  });
  const exited = once(child, 'exit');
  try {
    return await new Promise<ProveAnswer>((resolve, reject) => {
      const fail = (why: string) => reject(new ProverError(`nothing could be proved: ${why}`));
      const timer = setTimeout(() => fail(`it took longer than ${taskMsMax} ms`), taskMsMax);
      child.on('exit', () => clearTimeout(timer));
      child.on('exit', () => fail('the prover ended'));
      child.on('error', (error) => fail(error.message));
      child.on('message', (message) => {
        const said = message as ProverMessage;
        if (said.kind === 'progress') onProgress?.(said);
        else if (said.kind === 'failure') fail(said.failure);
        else resolve(said.answer);
      });
      child.send(task, (error) => {
        if (error !== null) fail(error.message);
      });
    });
  } finally {
    // It owns nothing, and its solver may be in the middle of something.
    child.kill('SIGKILL');
    await exited;
  }
}
