import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { TestFileProblem, TestReport } from '#decision/analysis';
import type { PolicySource } from '#decision/engine';
// Types alone: the room itself is loaded by the other process.
import type { PreparedPolicies } from '#decision/parser';
import { environmentOfParser, parserFlags } from '../../supervisor/least-privilege.ts';
import type { Checks } from './dropped-checks.ts';
import { entryOfParser } from './entry.ts';

export interface ParseRequest {
  readonly policies: readonly PolicySource[];
  /** null: there is none yet, so only syntax is looked at, and nothing can be published. */
  readonly schema: string | null;
  /** `*.test.yaml`, run when the policies are valid. */
  readonly tests?: readonly PolicySource[];
  /** `*.invariants`, parsed and validated and no more; what is wrong with them stands among the problems. */
  readonly invariants?: readonly PolicySource[];
  /** What stands beside the policies in force: to say what of it is dropped. */
  readonly before?: Checks | undefined;
}

/** What tests say, or why they cannot be read. */
export type TestedPolicies = TestReport | { readonly problems: readonly TestFileProblem[] };

export interface CheckedPolicies extends PreparedPolicies {
  /** Undefined when the policies are not valid, or no tests were given. */
  readonly tested?: TestedPolicies;
  /** Tests and invariants of `before` that do not stand any more, a sentence each. */
  readonly dropped?: readonly string[];
}

/** Two sets of what stands beside policies, of which nothing but this is asked: what the later one has dropped. */
export interface CompareRequest {
  readonly before: Checks;
  readonly after: Checks;
}

/** What the process says: an answer, or why it is of no use any more. */
export type ParseAnswer = CheckedPolicies | { readonly dropped: readonly string[] } | { readonly failure: string };

/** Parses, validates and tests policies away from everything else. */
export interface PolicyParser {
  /** What is wrong with policies, and their parsed form when nothing is. Throws PolicyParserError. */
  prepare(request: ParseRequest): Promise<CheckedPolicies>;
  /** What `after` has dropped of `before`, a sentence each. Throws PolicyParserError. */
  compare(request: CompareRequest): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** The parser could not say anything; `message` is fit for people. */
export class PolicyParserError extends Error {
  override readonly name = 'PolicyParserError';
}

/** People edit in bursts: the process is kept for the next keystroke, and not much longer. */
const idleMsMax = 10_000;
/** Ten thousand policies take about five seconds on a slow machine. */
const answerMsMax = 60_000;
const waitingMax = 16;

/** Makes a parser whose process, and whose memory with it, is there only while it is used. */
export function createPolicyParser({
  dataDirectory,
  idleMs = idleMsMax,
}: {
  dataDirectory: string;
  idleMs?: number;
}): PolicyParser {
  let child: ChildProcess | undefined;
  let idle: NodeJS.Timeout | undefined;
  let waiting = 0;
  let last: Promise<unknown> = Promise.resolve();

  async function end(): Promise<void> {
    clearTimeout(idle);
    const ended = child;
    child = undefined;
    if (ended === undefined || ended.exitCode !== null || ended.signalCode !== null) return;
    const exited = once(ended, 'exit');
    // By itself when its channel closes, so that what it compiled is kept; it owns nothing else.
    if (ended.connected) ended.disconnect();
    const kill = setTimeout(() => ended.kill('SIGKILL'), endMsMax);
    await exited;
    clearTimeout(kill);
  }

  async function ask(request: ParseRequest | CompareRequest) {
    clearTimeout(idle);
    child ??= start(dataDirectory);
    const answer = await answerOf(child, request);
    if (typeof answer === 'string' || 'failure' in answer) {
      child.kill('SIGKILL');
      await end();
      const words = typeof answer === 'string' ? answer : answer.failure;
      throw new PolicyParserError(`the policies could not be parsed: ${words}`);
    }
    idle = setTimeout(() => void end(), idleMs);
    idle.unref();
    return answer;
  }

  async function inTurn(request: ParseRequest | CompareRequest) {
    if (waiting >= waitingMax) throw new PolicyParserError('too many policy sets wait to be parsed; try again shortly');
    waiting += 1;
    const answered = last.then(() => ask(request));
    last = answered
      .catch(() => undefined)
      .finally(() => {
        waiting -= 1;
      });
    return await answered;
  }

  return {
    prepare: async (request) => (await inTurn(request)) as CheckedPolicies,
    compare: async (request) => ((await inTurn(request)) as { dropped: readonly string[] }).dropped,
    close: async () => {
      await last;
      await end();
    },
  };
}

/** How long the process may take to end by itself. */
const endMsMax = 2_000;

function start(dataDirectory: string): ChildProcess {
  const child = spawn(process.execPath, [...parserFlags(dataDirectory), entryOfParser], {
    stdio: ['ignore', 'ignore', 2, 'ipc'],
    env: environmentOfParser(dataDirectory),
    serialization: 'advanced',
  });
  // It is waited for where something is asked; between questions it keeps nothing alive.
  child.unref();
  child.channel?.unref();
  return child;
}

/** The process' answer, or why there is none. */
function answerOf(child: ChildProcess, request: ParseRequest | CompareRequest): Promise<ParseAnswer | string> {
  return new Promise((resolve) => {
    const settle = (answer: ParseAnswer | string) => {
      clearTimeout(timer);
      for (const event of ['message', 'error', 'exit']) child.removeAllListeners(event);
      // One that ends later, by itself or because it is told to, has nobody to tell.
      child.on('error', () => undefined);
      resolve(answer);
    };
    const timer = setTimeout(() => settle(`it took longer than ${answerMsMax} ms`), answerMsMax);
    child.on('message', (answer) => settle(answer as ParseAnswer));
    child.on('error', (error) => settle(error.message));
    child.on('exit', () => settle('the parser ended'));
    child.send(request, (error) => {
      if (error !== null) settle(error.message);
    });
  });
}
