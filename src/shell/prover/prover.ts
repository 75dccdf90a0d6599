import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { PolicySource } from '#decision/engine';
import { proverFlags } from '../supervisor/least-privilege.ts';
import { entryOfProver } from './entry.ts';
import type { Checked, Findings, PolicyTexts, ProverMessage, ProverTask } from './messages.ts';
import type { KnownAnswers } from './remember-answers.ts';

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
  /** What the solver said before, and what to tell of its new answers. */
  readonly memory?: AnswerMemory;
  /** Ends the process. */
  readonly signal?: AbortSignal | undefined;
}

/** Keeps the solver's answers from one process to the next. */
export interface AnswerMemory {
  known(): KnownAnswers;
  learn(answers: KnownAnswers): void;
}

const nothingKnown: KnownAnswers = { sat: [], unsat: [] };
const limitsOf = ({ checkMsMax = checkMsDefault, memory }: ProveLimits) => ({
  checkMsMax,
  known: memory?.known() ?? nothingKnown,
});

export const checkMsDefault = 10_000;
const taskMsDefault = 10 * 60_000;
/** Each takes hundreds of megabytes and a core. */
const processesMax = 2;
let running = 0;

/**
 * Proves invariants over policies, both as texts, in a process of its own that ends with the answer. Throws ProverError when there is no
 * answer: out of time, out of memory, or lost.
 */
export async function prove(
  texts: PolicyTexts & { readonly invariants: readonly PolicySource[] },
  limits: ProveLimits = {},
): Promise<Checked<Findings['prove']>> {
  return await run<'prove'>({ task: 'prove', ...texts, ...limitsOf(limits) }, limits);
}

/** Compares what two sets let in, as `prove` proves; the schema is that of the set after. Throws ProverError. */
export async function compare(
  { before, after }: { before: Omit<PolicyTexts, 'schema'>; after: PolicyTexts },
  limits: ProveLimits = {},
): Promise<Checked<Findings['compare']>> {
  return await run<'compare'>({ task: 'compare', before, after, ...limitsOf(limits) }, limits);
}

/** Finds policies that do nothing, as `prove` proves. Throws ProverError. */
export async function analyse(texts: PolicyTexts, limits: ProveLimits = {}): Promise<Checked<Findings['analyse']>> {
  return await run<'analyse'>({ task: 'analyse', ...texts, ...limitsOf(limits) }, limits);
}

async function run<T extends keyof Findings>(
  task: ProverTask & { readonly task: T },
  limits: ProveLimits,
): Promise<Checked<Findings[T]>> {
  if (limits.signal?.aborted === true) throw new ProverError('nothing could be proved: it was called off');
  if (running >= processesMax) throw new ProverError(`${processesMax} proofs are running already; try again shortly`);
  running += 1;
  try {
    return await runOne<T>(task, limits);
  } finally {
    running -= 1;
  }
}

async function runOne<T extends keyof Findings>(
  task: ProverTask,
  { taskMsMax = taskMsDefault, onProgress, memory, signal }: ProveLimits,
): Promise<Checked<Findings[T]>> {
  const child = spawn(process.execPath, [...proverFlags(), entryOfProver], {
    stdio: ['ignore', 'ignore', 2, 'ipc'],
    // Nothing is inherited.
    env: {},
    serialization: 'advanced',
  });
  const exited = once(child, 'exit');
  try {
    return await new Promise<Checked<Findings[T]>>((resolve, reject) => {
      const fail = (why: string) => reject(new ProverError(`nothing could be proved: ${why}`));
      const timer = setTimeout(() => fail(`it took longer than ${taskMsMax} ms`), taskMsMax);
      child.on('exit', () => clearTimeout(timer));
      signal?.addEventListener('abort', () => fail('it was called off'), { once: true });
      child.on('exit', () => fail('the prover ended'));
      child.on('error', (error) => fail(error.message));
      child.on('message', (message) => {
        const said = message as ProverMessage;
        if (said.kind === 'progress') onProgress?.(said);
        else if (said.kind === 'failure') fail(said.failure);
        else {
          memory?.learn(said.learned);
          resolve(said.answer as Checked<Findings[T]>);
        }
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
