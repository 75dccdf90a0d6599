import { type CompilingOptions, compilePublication, entitiesOf } from '#decision/administration';
import { type AskedSet, type RecordedDecision, Simulation, VersionedFacts } from '#decision/analysis';
import { readParsedForm } from '#decision/engine';
import { keyring, type ReplayedRecord, replayBytes, replayLog } from '#evidence/log';
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

/** A decision out of the journal. Its id, and the names of who asked, are told of those alone that change. */
class JournalledDecision implements RecordedDecision {
  readonly #record: ReplayedRecord;
  readonly #asked: ReadAccess;
  readonly question: RecordedDecision['question'];
  readonly time: number;
  readonly answer: RecordedDecision['answer'];
  readonly isPathCut: boolean;
  readonly policySequence: number;
  readonly factRevision: number;

  constructor(record: ReplayedRecord, asked: ReadAccess) {
    this.#record = record;
    this.#asked = asked;
    this.question = asked.question;
    this.time = record.time;
    this.answer = asked.answer;
    this.isPathCut = asked.isPathCut;
    this.policySequence = record.policySequence;
    this.factRevision = record.factRevision;
  }

  get id(): string {
    return this.#record.id;
  }

  get subject(): RecordedDecision['subject'] {
    const { user, token } = this.#asked;
    if (token !== null) return { kind: 'token', id: token, name: user === null ? token : `${user.name} (token)` };
    return user === null ? { kind: 'stranger', id: '', name: '' } : { kind: 'user', ...user };
  }
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
    for (const record of records) {
      if (replayed >= decisionsMax) {
        isComplete = false;
        break;
      }
      readBytes += record.bytes;
      read += 1;
      const { payload } = record;
      const asked = typeof payload === 'string' ? payload : reader.read(payload, record.time);
      if (typeof asked === 'string') simulation.skip(asked);
      else {
        replayed += 1;
        simulation.replay(new JournalledDecision(record, asked));
      }
      if (read % recordsPerLook === 0 && clock() >= nextTell) {
        nextTell = clock() + progressMs;
        onProgress({ type: 'progress', readBytes, allBytes, replayed });
      }
    }
    return { type: 'parts', parts: simulation.parts(), isComplete, lastRevision: this.#facts.last };
  }
}
