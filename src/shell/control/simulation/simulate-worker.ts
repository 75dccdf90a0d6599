// The thread that replays the journal for a rehearsal: a hostile policy set costs it, and nobody else, time and memory.
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { JournalReplay } from './replay-journal.ts';
import type { FromSimulation, SimulationWork, ToSimulation } from './simulation-messages.ts';

function main(port: MessagePort, work: SimulationWork): void {
  const replay = new JournalReplay(work);
  const tell = (message: FromSimulation) => port.postMessage(message);
  port.on('message', (message: ToSimulation) => {
    try {
      if (message.type === 'changes') return replay.take(message);
      tell(replay.run(() => performance.now(), tell));
    } catch (error) {
      tell({ type: 'failed', words: error instanceof Error ? error.message : String(error) });
    }
    port.close();
  });
}

if (parentPort === null) throw new Error('simulate-worker runs as a worker thread only');
main(parentPort, workerData as SimulationWork);
