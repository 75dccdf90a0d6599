// The thread that reads a gateway's own journal and makes of it what control is sent, so that the gateway's event loop does not: a piece is
// half a megabyte to read, look through and write as JSON. It is not the journal's thread, because every request waits for that.
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { JournalPosition, JournalShipment } from '#shell/wire';
import { JournalShipping, NotTaken } from './journal-shipping.ts';
import type { FromShipping, ShippingSettings, ToShipping } from './shipping-messages.ts';

function main(port: MessagePort, { directory }: ShippingSettings): void {
  let waiting: PromiseWithResolvers<JournalPosition> | undefined;
  const post = (message: FromShipping, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);
  const shipping = new JournalShipping({
    directory,
    notice: (line) => post({ type: 'notice', line }),
    send: (shipment: JournalShipment) => {
      waiting = Promise.withResolvers<JournalPosition>();
      const body = new TextEncoder().encode(JSON.stringify(shipment));
      post({ type: 'send', body }, [body.buffer]);
      return waiting.promise;
    },
  });
  port.on('message', (message: ToShipping) => {
    if (message.type === 'taken') waiting?.resolve(message.position);
    else if (message.type === 'not-taken') waiting?.reject(new NotTaken(message.words, message));
    else void shipping.close().finally(() => port.close());
  });
}

if (parentPort === null) throw new Error('shipping-worker runs as a worker thread only');
main(parentPort, workerData as ShippingSettings);
