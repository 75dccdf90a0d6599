import { type ChildProcess, spawn } from 'node:child_process';
import type { ChildMessage, Handoff } from '#shell/wire';
import { parseChildMessage } from './child-message.ts';
import { SupervisorError } from './supervisor-error.ts';

export const restartDelayMsMin = 250;
export const restartDelayMsMax = 30_000;
/** A child that served this long has shaken off its earlier crashes. */
export const steadyMs = 60_000;
/** How long a child may take from its birth to `ready`: seconds, but a minute was not enough on a machine with ten times the work it has cores for. */
export const startMsMax = 180_000;
/** How long a child may live on without its channel. */
const endingMsMax = 2_000;

export interface ChildSpec {
  readonly name: string;
  readonly entry: string;
  readonly execArgv: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Asked at each birth; the child loads its modules meanwhile. */
  handoff(): Promise<Handoff>;
  /** Called at every `ready`. */
  onReady?(detail: ReadyDetail): void;
  /** Words for the operator's stderr. */
  say(line: string): void;
  /** How long it may take to stop before it is killed. */
  readonly stopMsMax: number;
}

export type ReadyDetail = Readonly<Record<string, unknown>>;

/**
 * A child that is started again, with growing pauses, whenever it ends. Its first start is different: it either becomes
 * ready or the whole program does not start.
 */
export class SupervisedChild {
  readonly #spec: ChildSpec;
  #process: ChildProcess | undefined;
  #restart: NodeJS.Timeout | undefined;
  #delayMs = restartDelayMsMin;
  #isStopping = false;

  constructor(spec: ChildSpec) {
    this.#spec = spec;
  }

  /** Process id while it runs. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** First start. Resolves with what the child says of itself; rejects with SupervisorError when it fails or ends. */
  async start(): Promise<ReadyDetail> {
    const { ready, ended } = this.#spawn();
    const end = ended.then((words) => {
      throw new SupervisorError(`${this.#spec.name} could not start: ${words}`);
    });
    const detail = await Promise.race([ready, end]);
    end.catch(() => undefined);
    ended.then((words) => this.#restartLater(words));
    return detail;
  }

  /** Tells it to stop, waits a bounded time, kills it. Never starts again. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#restart);
    const child = this.#process;
    if (child === undefined) return;
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    send(child, { type: 'stop' });
    const kill = setTimeout(() => {
      this.#spec.say(`nullius: ${this.#spec.name} did not stop in ${this.#spec.stopMsMax} ms; killed`);
      child.kill('SIGKILL');
    }, this.#spec.stopMsMax);
    await exited;
    clearTimeout(kill);
  }

  /** Ends it at once. */
  kill(): void {
    this.#isStopping = true;
    clearTimeout(this.#restart);
    this.#process?.kill('SIGKILL');
  }

  #spawn(): { ready: Promise<ReadyDetail>; ended: Promise<string> } {
    const { entry, execArgv, environment, name, say } = this.#spec;
    const child = spawn(process.execPath, [...execArgv, entry], {
      // stdout of the program carries the ready line alone, so a child's goes to stderr.
      stdio: ['ignore', 2, 2, 'ipc'],
      env: environment,
      serialization: 'json',
    });
    this.#process = child;
    let failure: string | undefined;
    const tooLong = setTimeout(() => {
      failure = `not ready after ${startMsMax} ms`;
      child.kill('SIGKILL');
    }, startMsMax);
    const ready = new Promise<ReadyDetail>((resolve) => {
      child.on('message', (value) => {
        const message: ChildMessage | undefined = parseChildMessage(value);
        if (message?.type === 'notice') say(message.line);
        if (message?.type === 'failed') failure = message.message;
        if (message?.type === 'ready') {
          clearTimeout(tooLong);
          this.#spec.onReady?.(message.detail ?? {});
          resolve(message.detail ?? {});
        }
      });
    });
    const ended = new Promise<string>((resolve) => {
      const end = (words: string) => {
        clearTimeout(tooLong);
        if (this.#process === child) this.#process = undefined;
        resolve(failure ?? words);
      };
      child.on('error', (error) => end(error.message));
      child.on('exit', (code, signal) =>
        end(signal === null ? `it ended with code ${code}` : `it was ended by ${signal}`),
      );
    });
    // A child that closed its channel can be told nothing any more; most are just ending by themselves.
    child.on('disconnect', () => {
      const kill = setTimeout(() => child.kill('SIGKILL'), endingMsMax);
      child.once('exit', () => clearTimeout(kill));
    });
    void this.#spec.handoff().then(
      (handoff) => send(child, handoff),
      () => say(`nullius: ${name} waits: what it needs is not there yet`),
    );
    return { ready, ended };
  }

  #restartLater(words: string): void {
    if (this.#isStopping) return;
    const { name, say } = this.#spec;
    const delayMs = this.#delayMs;
    this.#delayMs = Math.min(delayMs * 2, restartDelayMsMax);
    say(`nullius: ${name} is gone: ${words}; starting it again in ${delayMs} ms`);
    this.#restart = setTimeout(() => {
      const { ready, ended } = this.#spawn();
      let steady: NodeJS.Timeout | undefined;
      void ready.then(() => {
        say(`nullius: ${name} serves again`);
        steady = setTimeout(() => {
          this.#delayMs = restartDelayMsMin;
        }, steadyMs);
      });
      void ended.then((again) => {
        clearTimeout(steady);
        this.#restartLater(again);
      });
    }, delayMs);
  }
}

function send(child: ChildProcess, message: Handoff | { type: 'stop' }): void {
  if (child.connected) child.send(message, () => undefined);
}
