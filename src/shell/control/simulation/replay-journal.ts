import { type CompilingOptions, compilePublication, entitiesOf } from '#decision/administration';
import { type AskedSet, type RecordedDecision, Simulation, VersionedFacts } from '#decision/analysis';
import { readParsedForm } from '#decision/engine';
import { keyring, replayBytes, replayLog } from '#evidence/log';
import { AccessReader, httpActivityClass, type ReadAccess } from '#evidence/log/recorded';
import type { RehearsalProgress } from '#foundation/model';
import type { FromSimulation, ShippedSet, SimulationWork, ToSimulation } from './simulation-messages.ts';

/** Records between two looks at the clock. */
const recordsPerLook = 4096;
const progressMs = 250;

function ready(shipped: ShippedSet, options: CompilingOptions): AskedSet {
  const { schema, policies, parsed } = shipped;
  const set = readParsedForm(parsed ?? '', { sources: policies, schema });
  return { published: compilePublication(shipped, options), set };
}

function subjectOf({ user, token }: Pick<ReadAccess, 'user' | 'token'>): RecordedDecision['subject'] {
  if (token !== null) return { kind: 'token', id: token, name: user === null ? token : `${user.name} (token)` };
  return user === null ? { kind: 'stranger', id: '', name: '' } : { kind: 'user', ...user };
}

/** Facts and policies of a rehearsal, and the journal replayed through them. */
export class JournalReplay {
  readonly #work: SimulationWork;
  readonly #facts: VersionedFacts;
  #isFull = false;

  constructor(work: SimulationWork) {
    this.#work = work;
    this.#facts = new VersionedFacts({ epoch: work.epoch, first: work.firstRevision, rows: work.rows });
  }

  take({ changes }: Extract<ToSimulation, { type: 'changes' }>): void {
    for (const { revision, facts } of changes) {
      if (!this.#isFull) this.#isFull = !this.#facts.append(facts, revision);
    }
  }

  /** Replays everything. `clock` in milliseconds, for progress only. */
  run(
    clock: () => number,
    onProgress: (progress: RehearsalProgress) => void,
  ): Extract<FromSimulation, { type: 'parts' }> {
    const { directory, keys, since, until, before, after, decisionsMax, share } = this.#work;
    const options = { entitiesFor: entitiesOf(this.#facts) };
    const simulation = new Simulation({
      facts: this.#facts,
      before: new Map(before.map((each) => [each.sequence, ready(each, options)])),
      after: ready(after, options),
    });
    const reader = new AccessReader();
    const allBytes = replayBytes({ directory, since, share });
    let [readBytes, read, replayed, nextTell] = [0, 0, 0, clock() + progressMs];
    const records = replayLog({ directory, keys: keyring(keys), since, until, classUid: httpActivityClass, share });
    let isComplete = true;
    for (const { id, time, payload, policySequence, factRevision, bytes } of records) {
      if (replayed >= decisionsMax) {
        isComplete = false;
        break;
      }
      readBytes += bytes;
      read += 1;
      const asked = typeof payload === 'string' ? payload : reader.read(payload, time);
      if (typeof asked === 'string') simulation.skip(asked);
      else {
        const { question, answer, isPathCut } = asked;
        replayed += 1;
        const subject = subjectOf(asked);
        simulation.replay({ id, question, time, answer, isPathCut, policySequence, factRevision, subject });
      }
      if (read % recordsPerLook === 0 && clock() >= nextTell) {
        nextTell = clock() + progressMs;
        onProgress({ type: 'progress', readBytes, allBytes, replayed });
      }
    }
    return { type: 'parts', parts: simulation.parts(), isComplete, lastRevision: this.#facts.last };
  }
}
