import { Worker } from 'node:worker_threads';
import type { PolicySource } from '#decision/engine';
// Types alone: the room itself is loaded by the thread.
import type { PreparedPolicies } from '#decision/parser';

export interface ParseRequest {
  readonly policies: readonly PolicySource[];
  /** null: there is none yet, so only syntax is looked at, and nothing can be published. */
  readonly schema: string | null;
}

/** What the thread says: an answer, or why it is of no use any more. */
export type ParseAnswer = PreparedPolicies | { readonly failure: string };

/** Parses and validates policies away from everything else. */
export interface PolicyParser {
  /** What is wrong with policies, and their parsed form when nothing is. Throws PolicyParserError. */
  prepare(request: ParseRequest): Promise<PreparedPolicies>;
  close(): Promise<void>;
}

/** The parser could not say anything; `message` is fit for people. */
export class PolicyParserError extends Error {
  override readonly name = 'PolicyParserError';
}

/** People edit in bursts: the thread is kept for the next keystroke, and not much longer. */
const idleMsMax = 10_000;
/** Ten thousand policies take about five seconds on a slow machine. */
const answerMsMax = 60_000;
const waitingMax = 16;
const resourceLimits = { maxOldGenerationSizeMb: 1024 };
const threadFile = import.meta.url.endsWith('.ts') ? './parse-thread.ts' : './parse-thread.js';

/** Makes a parser whose thread, and whose memory with it, is there only while it is used. */
export function createPolicyParser({ idleMs = idleMsMax }: { idleMs?: number } = {}): PolicyParser {
  let worker: Worker | undefined;
  let idle: NodeJS.Timeout | undefined;
  let waiting = 0;
  let last: Promise<unknown> = Promise.resolve();

  async function end(): Promise<void> {
    clearTimeout(idle);
    const ended = worker;
    worker = undefined;
    await ended?.terminate();
  }

  async function ask(request: ParseRequest): Promise<PreparedPolicies> {
    clearTimeout(idle);
    worker ??= new Worker(new URL(threadFile, import.meta.url), { name: 'policy-parser', resourceLimits });
    const answer = await answerOf(worker, request);
    if (typeof answer === 'string' || 'failure' in answer) {
      await end();
      throw new PolicyParserError(
        `the policies could not be parsed: ${typeof answer === 'string' ? answer : answer.failure}`,
      );
    }
    idle = setTimeout(() => void end(), idleMs);
    idle.unref();
    return answer;
  }

  return {
    prepare: async (request) => {
      if (waiting >= waitingMax)
        throw new PolicyParserError('too many policy sets wait to be parsed; try again shortly');
      waiting += 1;
      const answered = last.then(() => ask(request));
      last = answered.catch(() => undefined).finally(() => (waiting -= 1));
      return await answered;
    },
    close: async () => {
      await last;
      await end();
    },
  };
}

/** The thread's answer, or why there is none. */
function answerOf(worker: Worker, request: ParseRequest): Promise<ParseAnswer | string> {
  return new Promise((resolve) => {
    const settle = (answer: ParseAnswer | string) => {
      clearTimeout(timer);
      for (const event of ['message', 'error', 'exit']) worker.removeAllListeners(event);
      // A thread that ends later, by itself or because it is told to, has nobody to tell.
      worker.on('error', () => undefined);
      resolve(answer);
    };
    const timer = setTimeout(() => settle(`it took longer than ${answerMsMax} ms`), answerMsMax);
    worker.on('message', (answer: ParseAnswer) => settle(answer));
    worker.on('error', (error) => settle(error instanceof Error ? error.message : String(error)));
    worker.on('exit', () => settle('the parser ended'));
    worker.postMessage(request);
  });
}
