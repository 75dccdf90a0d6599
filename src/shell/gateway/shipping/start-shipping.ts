import { Worker } from 'node:worker_threads';
import { ControlError, type SendToControl } from '../control-client.ts';
import type { FromShipping, ShippingSettings, ToShipping } from './shipping-messages.ts';

/** How long the end of the process waits for the thread, which bounds what it still sends by itself. */
const endMsMax = 5_000;
/** After which time a thread that failed is followed by another. */
const restMs = 60_000;
const threadFile = import.meta.url.endsWith('.ts') ? './shipping-worker.ts' : './shipping-worker.js';

export interface StartShippingNeeds {
  /** The folder of this gateway's own journal. */
  readonly directory: string;
  readonly send: SendToControl;
  readonly notice: (line: string) => void;
}

/**
 * Sends this gateway's journal to control. A thread reads and encodes; here its bodies are only handed to the connection, whose keys are
 * this thread's.
 */
export function startShipping(needs: StartShippingNeeds): { close: () => Promise<void> } {
  let timer: NodeJS.Timeout | undefined;
  let worker: Worker | undefined = begin();

  function begin(): Worker {
    const workerData: ShippingSettings = { directory: needs.directory };
    const begun = new Worker(new URL(threadFile, import.meta.url), { workerData, name: 'shipping' });
    const post = (message: ToShipping) => begun.postMessage(message);
    begun.on('message', (message: FromShipping) => {
      if (message.type === 'notice') needs.notice(message.line);
      else void answerTo(needs.send, message.body).then(post);
    });
    begun.on('error', (error) => {
      needs.notice(`the thread that sends the journal to control failed, and is started again: ${error.message}`);
      timer = setTimeout(() => {
        worker = begin();
      }, restMs).unref();
    });
    begun.on('exit', () => {
      if (worker === begun) worker = undefined;
    });
    return begun;
  }

  return {
    close: async () => {
      const last = worker;
      // A thread that ends now is followed by none.
      last?.removeAllListeners('error').on('error', () => undefined);
      clearTimeout(timer);
      if (last === undefined) return;
      const ended = new Promise((resolve) => last.once('exit', resolve));
      const late = setTimeout(() => void last.terminate(), endMsMax);
      last.postMessage({ type: 'close' } satisfies ToShipping);
      await ended;
      clearTimeout(late);
    },
  };
}

async function answerTo(send: SendToControl, body: Uint8Array): Promise<ToShipping> {
  try {
    return { type: 'taken', position: await send('journal/ship', body) };
  } catch (error) {
    const isForLater = error instanceof ControlError && (error.code === 'unreachable' || error.status === 429);
    return { type: 'not-taken', words: error instanceof Error ? error.message : String(error), isForLater };
  }
}
