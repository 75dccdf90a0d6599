import { Worker } from 'node:worker_threads';
import { ControlError, type SendToControl } from '../control-client.ts';
import type { FromShipping, ShippingSettings, ToShipping } from './shipping-messages.ts';

/** How long the end of the process waits for the thread, which bounds what it still sends by itself. */
const endMsMax = 5_000;
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
  const workerData: ShippingSettings = { directory: needs.directory };
  const worker = new Worker(new URL(threadFile, import.meta.url), { workerData, name: 'shipping' });
  const ended = new Promise((resolve) => worker.once('exit', resolve));
  worker.on('message', (message: FromShipping) => {
    if (message.type === 'notice') needs.notice(message.line);
    else void answerTo(needs.send, message.body).then((answer: ToShipping) => worker.postMessage(answer));
  });
  // Followed by no other: by now the process has given up the right to start threads.
  worker.on('error', ({ message }) =>
    needs.notice(`the journal is not sent to control until this gateway starts again, its thread failed: ${message}`),
  );
  return {
    close: async () => {
      const late = setTimeout(() => void worker.terminate(), endMsMax);
      worker.postMessage({ type: 'close' } satisfies ToShipping);
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
