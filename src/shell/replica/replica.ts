import { setTimeout as sleep } from 'node:timers/promises';
import type { JWK } from 'jose';
import type { Clock, FactRow, FactView, MonotonicClock, Publication, Segment } from '#foundation/model';
import { FactTable, parseFactRow } from '#information/inventory';
import { Lease, type ReplicaState, silenceMsMax } from './lease.ts';
import { type ControlAddress, openStream } from './open-stream.ts';
import { isBefore, type Position, PositionFile } from './position.ts';
import { type RawFrame, readFrames } from './read-frames.ts';
import { ReplicaError } from './replica-error.ts';
import { SnapshotIntake, verifyStatement } from './verify-snapshot.ts';

const stoodStillWords = 'this process stood still for a while, as on a busy or sleeping machine; it asks control anew';

const backoffMsMin = 50;
const backoffMsMax = 5_000;
/** How often the lease is looked at, so that its end is told. */
const watchMs = 200;
/** A process that did not run for this long may hold old heartbeats in its buffers: it asks anew. */
const stallMsMax = 2_000;

export interface ReplicaOptions {
  readonly control: ControlAddress;
  /** Public keys of the signer: a snapshot must verify under one of them. */
  readonly signerKeys: readonly JWK[];
  /** Remembers the newest epoch and revision, in a folder only this process writes. */
  readonly positionFile: string;
  /** Verifies the manifest and the policies' hashes; rejects when they do not fit. */
  readonly verifyPublication: (publication: Publication, facts: FactView) => Promise<void> | void;
  readonly clock: Clock;
  readonly monotonicClock: MonotonicClock;
  /** Told of everything that kept the replica from being fresh. */
  readonly onProblem: (problem: ReplicaError) => void;
}

/** A gateway's copy of the facts: what it judges from, and how far it may be believed. */
export class Replica {
  readonly table: FactTable;
  readonly #options: ReplicaOptions;
  readonly #lease: Lease;
  readonly #position: PositionFile;
  readonly #stop = new AbortController();
  readonly #stateListeners = new Set<(state: ReplicaState) => void>();
  readonly #watch: NodeJS.Timeout;
  #connection = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #synced = false;
  #lastState: ReplicaState['state'] = 'never-synced';
  #watchedAt: number;
  #heardAt: number;
  #failures = 0;

  private constructor(options: ReplicaOptions, position: PositionFile) {
    this.#options = options;
    this.#position = position;
    this.table = new FactTable({ clock: options.clock });
    this.#lease = new Lease(options.monotonicClock);
    this.#watchedAt = options.monotonicClock();
    this.#heardAt = this.#watchedAt;
    this.#watch = setInterval(() => this.#look(), watchMs);
    this.#watch.unref();
  }

  /** Starts following. Throws ReplicaError `position` when the remembered position cannot be read. */
  static async start(options: ReplicaOptions): Promise<Replica> {
    const position = await PositionFile.open(options.positionFile, options.onProblem);
    const replica = new Replica(options, position);
    replica.#running = replica.#follow();
    return replica;
  }

  state(): ReplicaState {
    return this.#lease.state();
  }

  /** May access to something this sensitive be judged from these facts now? High sensitivity has no lease. */
  isFreshFor(sensitivity: Segment['sensitivity']): boolean {
    const { state } = this.#lease.state();
    return state === 'fresh' || (state === 'cut-off' && sensitivity !== 'high');
  }

  /** Told of every change between `fresh`, `cut-off` and `lease-ended`, at most a fifth of a second late. */
  onState(listener: (state: ReplicaState) => void): () => void {
    this.#stateListeners.add(listener);
    return () => this.#stateListeners.delete(listener);
  }

  /** Resolves once the replica is fresh, at once when it is. */
  whenFresh(): Promise<void> {
    if (this.state().state === 'fresh') return Promise.resolve();
    return new Promise((resolve) => {
      const off = this.onState(({ state }) => {
        if (state !== 'fresh') return;
        off();
        resolve();
      });
    });
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#connection.abort();
    clearInterval(this.#watch);
    await this.#running;
    await this.#position.settle();
  }

  async #follow(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const error = await this.#followOnce().catch((cause: unknown) => {
        const { signal } = this.#connection;
        return signal.aborted ? signal.reason : cause;
      });
      this.#lease.cut();
      // Said by control itself: nothing that we hold may be believed any longer.
      if (error instanceof ReplicaError && error.code === 'removed') this.#lease.end();
      this.#look();
      if (this.#stop.signal.aborted) return;
      this.#options.onProblem(toReplicaError(error));
      const ceiling = Math.min(backoffMsMin * 2 ** this.#failures, backoffMsMax);
      this.#failures = Math.min(this.#failures + 1, 16);
      await sleep(ceiling * (0.5 + Math.random() / 2), undefined, { signal: this.#stop.signal }).catch(() => {});
    }
  }

  async #followOnce(): Promise<never> {
    this.#connection = new AbortController();
    this.#heardAt = this.#options.monotonicClock();
    const { signal } = this.#connection;
    const position = this.#synced ? { epoch: this.table.epoch, revision: this.table.revision } : undefined;
    const stream = await openStream(this.#options.control, { position, signal });
    const feed = new Feed(this.#options, { table: this.table, position: this.#position, hasBase: this.#synced });
    try {
      for await (const frame of readFrames(stream)) {
        signal.throwIfAborted();
        // Frames are read before timers run: what waited in the buffers while this process stood still is old news.
        if (this.#stoodStill()) throw new ReplicaError('silent', stoodStillWords);
        this.#heardAt = this.#options.monotonicClock();
        await feed.take(frame);
        if (frame.type === 'snapshot-end') this.#synced = true;
        if (frame.type === 'heartbeat') {
          this.#failures = 0;
          this.#lease.renew(frame.leaseMs);
          this.#look();
        }
      }
    } finally {
      stream.destroy();
    }
    throw new ReplicaError('unreachable', 'control ended the feed');
  }

  #stoodStill(): boolean {
    return this.#options.monotonicClock() - this.#watchedAt > stallMsMax;
  }

  /** Ends a connection that says nothing, or that was not read because this process stood still; tells the state. */
  #look(): void {
    const now = this.#options.monotonicClock();
    if (this.#stoodStill()) this.#connection.abort(new ReplicaError('silent', stoodStillWords));
    else if (now - this.#heardAt > silenceMsMax * 2) {
      this.#connection.abort(new ReplicaError('silent', 'control said nothing for too long'));
    }
    this.#watchedAt = now;
    const state = this.#lease.state();
    if (state.state === this.#lastState) return;
    this.#lastState = state.state;
    for (const listener of this.#stateListeners) listener(state);
  }
}

/** One connection's frames, in order: a snapshot first, or changes that go on from what the table holds. */
class Feed {
  readonly #options: ReplicaOptions;
  readonly #table: FactTable;
  readonly #position: PositionFile;
  /** Does the table hold a verified snapshot? Before, there is nothing that changes could go on from. */
  #hasBase: boolean;
  #intake: SnapshotIntake | undefined;

  constructor(options: ReplicaOptions, held: { table: FactTable; position: PositionFile; hasBase: boolean }) {
    this.#options = options;
    this.#table = held.table;
    this.#position = held.position;
    this.#hasBase = held.hasBase;
  }

  async take(frame: RawFrame): Promise<void> {
    if (frame.type === 'snapshot') return this.#beginSnapshot(frame.statement);
    if (frame.type === 'fact') return this.#opened().add(frame.fact);
    if (frame.type === 'snapshot-end') return await this.#endSnapshot();
    if (this.#intake !== undefined) throw new ReplicaError('malformed', 'control began a snapshot and did not end it');
    if (!this.#hasBase) throw new ReplicaError('malformed', 'control sent changes before any snapshot');
    if (frame.type === 'change') return await this.#change(frame.revision, frame.facts);
    // A heartbeat renews the lease, so it must speak of exactly what is held.
    if (frame.epoch !== this.#table.epoch || frame.revision !== this.#table.revision) {
      throw new ReplicaError(
        'malformed',
        `control is at ${frame.epoch}/${frame.revision} but did not send what leads there`,
      );
    }
  }

  #beginSnapshot(jws: string): void {
    if (this.#intake !== undefined) throw new ReplicaError('malformed', 'control began a snapshot within another');
    const statement = verifyStatement(jws, this.#options.signerKeys);
    refuseReplay(statement, this.#position.known);
    this.#intake = new SnapshotIntake(statement);
  }

  #opened(): SnapshotIntake {
    if (this.#intake === undefined) throw new ReplicaError('malformed', 'control sent a fact outside of a snapshot');
    return this.#intake;
  }

  async #endSnapshot(): Promise<void> {
    const intake = this.#opened();
    const rows = intake.finish();
    const { epoch, revision } = intake.statement;
    const publication = await this.#verifyPublications(rows, epoch);
    this.#table.replace({ epoch, revision, rows });
    this.#position.raise({ epoch, revision, publication });
    this.#intake = undefined;
    this.#hasBase = true;
  }

  async #change(revision: number, facts: readonly unknown[]): Promise<void> {
    if (revision !== this.#table.revision + 1) {
      throw new ReplicaError('malformed', `control sent revision ${revision} after ${this.#table.revision}`);
    }
    const rows = facts.map(parseFactRow);
    if (rows.some((row) => row.revision !== revision))
      throw new ReplicaError('malformed', 'a fact is of another revision than its change');
    const { epoch } = this.#table;
    const publication = await this.#verifyPublications(rows, epoch);
    this.#table.apply(rows, revision);
    this.#position.raise({ epoch, revision, publication });
  }

  /** Gives the number of the publication among these facts, if there is one. */
  async #verifyPublications(rows: readonly FactRow[], epoch: number): Promise<number | undefined> {
    let sequence: number | undefined;
    for (const row of rows) {
      if (row.kind !== 'publication' || row.body === null) continue;
      const publication = row.body as Publication;
      sequence = publication.sequence;
      // Signed once and replaced since: putting it back is no publication, which would have a number of its own.
      refuseOlderPublication(sequence, this.#position.publicationIn(epoch));
      try {
        await this.#options.verifyPublication(publication, this.#table);
      } catch (cause) {
        throw new ReplicaError('not-authentic', 'a policy publication was refused: its manifest does not fit', {
          cause,
        });
      }
    }
    return sequence;
  }
}

function refuseOlderPublication(offered: number, known: number): void {
  if (offered >= known) return;
  throw new ReplicaError(
    'replayed',
    `control offered policy publication ${offered}, older than ${known}, which this gateway has seen; somebody put it back in the store: ` +
      'restore a backup by `nullius restore`, which starts a new epoch',
  );
}

function refuseReplay(offered: Position, known: Position): void {
  if (!isBefore(offered, known)) return;
  throw new ReplicaError(
    'replayed',
    `control offered facts of ${offered.epoch}/${offered.revision}, older than ${known.epoch}/${known.revision}, which this gateway has seen; ` +
      'a store that was put back must be put back by `nullius restore`, which starts a new epoch',
  );
}

function toReplicaError(error: unknown): ReplicaError {
  if (error instanceof ReplicaError) return error;
  if (error instanceof Error && error.cause instanceof ReplicaError) return error.cause;
  if (error instanceof Error && error.name === 'InventoryError') {
    return new ReplicaError('malformed', `control sent a fact that cannot be read: ${error.message}`, { cause: error });
  }
  return new ReplicaError('unreachable', 'the connection to control broke', { cause: error });
}
