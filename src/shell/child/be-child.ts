import type { ChildMessage, Handoff } from '#shell/wire';
import { settleMemory } from './settle-memory.ts';

type HandoffOf<T extends Handoff['type']> = Extract<Handoff, { type: T }>;

/** How long a child may take to end after it was told to stop, before it ends itself. */
export const childStopMsMax = 15_000;
export const noticeLengthMax = 2_000;

/** A process under the supervisor: its orders, and how it answers. */
export interface Child<T extends Handoff['type']> {
  readonly handoff: HandoffOf<T>;
  /** Tells the supervisor that this process serves. */
  ready(detail?: Readonly<Record<string, unknown>>): void;
  /** One line of words for the operator's stderr. */
  notice(line: string): void;
  /** Says why this process cannot start, in words for people, and ends it with exit code 3. */
  fail(message: string): Promise<never>;
  /** What to do when told to stop: stop taking work, end what is open, flush. Then the process exits with code 0. */
  onStop(stop: () => Promise<void> | void): void;
}

/**
 * Makes this process a child of the supervisor: waits for its handoff. Without a supervisor it ends with exit code 3.
 * It ends at once when the supervisor is gone, because nobody could stop or restart it then. Signals meant for the
 * whole program (Ctrl-C, a service manager) are left to the supervisor, which stops its children in order.
 */
export async function beChild<T extends Handoff['type']>(type: T): Promise<Child<T>> {
  if (process.send === undefined) {
    process.stderr.write(`nullius: the ${type} process is started by \`nullius up\`, not by hand\n`);
    process.exit(3);
  }
  let stop: () => Promise<void> | void = () => undefined;
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => undefined);
  process.on('SIGHUP', () => undefined);
  process.on('disconnect', () => process.exit(0));
  const handoff = await new Promise<HandoffOf<T>>((resolve) => {
    process.on('message', (message: { type?: unknown }) => {
      if (message.type === 'stop') void stopAndExit(() => stop());
      else if (message.type === type) resolve(message as HandoffOf<T>);
    });
  });
  return {
    handoff,
    ready: (detail) => {
      void tell(detail === undefined ? { type: 'ready' } : { type: 'ready', detail });
      settleMemory();
    },
    notice: (line) => void tell({ type: 'notice', line: line.slice(0, noticeLengthMax) }),
    fail: async (message) => {
      await tell({ type: 'failed', message: message.slice(0, noticeLengthMax) });
      return process.exit(3);
    },
    onStop: (action) => {
      stop = action;
    },
  };
}

async function stopAndExit(stop: () => Promise<void> | void): Promise<never> {
  setTimeout(() => process.exit(1), childStopMsMax).unref();
  try {
    await stop();
  } catch (error) {
    process.stderr.write(`nullius: stopping failed: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  }
  return process.exit(0);
}

function tell(message: ChildMessage): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) resolve();
    else process.send(message, undefined, {}, () => resolve());
  });
}
