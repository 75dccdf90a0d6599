import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CommittedChange, LiveFacts, Store } from '#shell/store';
import { type FollowFrame, localGatewayName, type SnapshotStatement } from '#shell/wire';
import { copySnapshot, type SnapshotCopy } from './snapshot-copy.ts';

const heartbeatMs = 1_000;
const followersMax = 1_000;
/** Streams of one gateway: it has one, and a few more while broken ones are noticed. The oldest makes room. */
const followersOfOneMax = 4;
/** A follower that takes nothing for this long is cut; it comes back and goes on where it was. */
const stallMsMax = 10_000;
/** Frames are joined up to about this size before they are written. */
const batchCharacters = 65_536;

export interface FollowOptions {
  readonly store: Store;
  readonly live: LiveFacts;
  /** Has the signer sign a snapshot statement; gives the compact JWS. */
  readonly signSnapshot: (statement: SnapshotStatement) => Promise<string>;
  /** How long followers may go on without us, as the setting is now: the next heartbeat tells them. */
  readonly leaseMs: () => number;
  readonly onError: (error: unknown) => void;
  /** Milliseconds after which a follower that takes nothing is cut. */
  readonly stallMs?: number;
}

/**
 * The server's side of `GET /follow`: every follower gets the facts in the order of their revisions, and a heartbeat each
 * second while, and only while, the store has just been read: a heartbeat promises that nothing older is missing.
 */
export class FollowServer {
  readonly #options: FollowOptions;
  readonly #sessions = new Set<FollowSession>();
  readonly #timer: NodeJS.Timeout;
  readonly #stopListening: () => void;
  #signed: Promise<{ copy: SnapshotCopy; jws: string }> | undefined;

  constructor(options: FollowOptions) {
    this.#options = options;
    this.#stopListening = options.live.onAdvance(() => this.#wake(false));
    this.#timer = setInterval(() => void this.#beat(), heartbeatMs);
    this.#timer.unref();
  }

  /** Gateways following now. */
  get followers(): number {
    return this.#sessions.size;
  }

  /** Names of the gateways following now. */
  get names(): string[] {
    return [...this.#sessions].map((session) => session.name);
  }

  /** Answers one `GET /follow`; the caller has authenticated it as `peer`. Resolves when the stream has ended. */
  async handle(
    request: IncomingMessage,
    response: ServerResponse,
    peer: { readonly name: string } = { name: localGatewayName },
  ): Promise<void> {
    if (this.#sessions.size >= followersMax) return refuse(response, `there are ${followersMax} followers already`);
    try {
      await this.#options.live.refresh();
    } catch (error) {
      this.#options.onError(error);
      return refuse(response, 'the store cannot be read now');
    }
    const ofSameName = [...this.#sessions].filter(({ name }) => name === peer.name);
    const [oldest] = ofSameName;
    if (oldest !== undefined && ofSameName.length >= followersOfOneMax) {
      oldest.end();
      this.#sessions.delete(oldest);
    }
    const session = new FollowSession(response, { ...this.#options, name: peer.name });
    this.#sessions.add(session);
    response.on('close', () => session.end());
    try {
      response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
      if (!(await session.resume(positionOf(request)))) await session.sendSnapshot(await this.#snapshot());
      session.wake(true);
      await session.run();
    } catch (error) {
      if (!session.ended) this.#options.onError(error);
    } finally {
      this.#sessions.delete(session);
      session.end();
      response.destroy();
    }
  }

  close(): void {
    clearInterval(this.#timer);
    this.#stopListening();
    for (const session of this.#sessions) session.end();
  }

  async #beat(): Promise<void> {
    try {
      if (this.#sessions.size === 0) return;
      await this.#options.live.refresh();
      this.#wake(true);
    } catch (error) {
      this.#options.onError(error);
    }
  }

  #wake(isBeat: boolean): void {
    for (const session of this.#sessions) session.wake(isBeat);
  }

  /** One copy serves every follower that asks while it is being made and sent at the same revision. */
  #snapshot(): Promise<{ copy: SnapshotCopy; jws: string }> {
    this.#signed ??= this.#makeSnapshot().finally(() => {
      this.#signed = undefined;
    });
    return this.#signed;
  }

  async #makeSnapshot(): Promise<{ copy: SnapshotCopy; jws: string }> {
    const copy = await copySnapshot(this.#options.live.table);
    return { copy, jws: await this.#options.signSnapshot(copy.statement) };
  }
}

class FollowSession {
  readonly name: string;
  readonly #response: ServerResponse;
  readonly #store: Store;
  readonly #live: LiveFacts;
  readonly #leaseMs: () => number;
  readonly #stallMs: number;
  #epoch = 0;
  #revision = 0;
  #ended = false;
  #beatDue = false;
  #woken = true;
  #wakeUp: () => void = () => {};

  constructor(response: ServerResponse, options: FollowOptions & { readonly name: string }) {
    this.name = options.name;
    this.#response = response;
    this.#store = options.store;
    this.#live = options.live;
    this.#leaseMs = options.leaseMs;
    this.#stallMs = options.stallMs ?? stallMsMax;
  }

  get ended(): boolean {
    return this.#ended;
  }

  end(): void {
    this.#ended = true;
    // One that takes nothing is not waited for.
    this.#response.destroy();
    this.wake(false);
  }

  wake(isBeat: boolean): void {
    this.#beatDue ||= isBeat;
    this.#woken = true;
    this.#wakeUp();
  }

  /** Can the follower go on from where it says it is? */
  async resume(position: { epoch: number; revision: number } | undefined): Promise<boolean> {
    if (position === undefined || position.epoch !== this.#live.table.epoch) return false;
    if (position.revision > this.#live.table.revision) return false;
    if (this.#live.changesAfter(position.revision) === undefined) {
      if ((await this.#store.changesSince(position.revision)) === undefined) return false;
    }
    this.#epoch = position.epoch;
    this.#revision = position.revision;
    return true;
  }

  async sendSnapshot({ copy, jws }: { copy: SnapshotCopy; jws: string }): Promise<void> {
    await this.#write(line({ type: 'snapshot', statement: jws }));
    let batch = '';
    for (const fact of copy.facts) {
      batch += `{"type":"fact","fact":${fact}}\n`;
      if (batch.length < batchCharacters) continue;
      await this.#write(batch);
      batch = '';
    }
    await this.#write(batch + line({ type: 'snapshot-end' }));
    this.#epoch = copy.statement.epoch;
    this.#revision = copy.statement.revision;
  }

  /** Sends changes and heartbeats until the connection ends, or until the follower must start over. */
  async run(): Promise<void> {
    while (!this.#ended) {
      this.#woken = false;
      if (this.#live.table.epoch !== this.#epoch) return;
      const beat = this.#beatDue;
      this.#beatDue = false;
      const changes = await this.#next();
      if (changes === undefined) return;
      await this.#sendChanges(changes);
      if (this.#revision < this.#live.table.revision) this.#woken = true;
      if (beat && !this.#woken) {
        await this.#write(
          line({ type: 'heartbeat', epoch: this.#epoch, revision: this.#revision, leaseMs: this.#leaseMs() }),
        );
      } else if (beat) this.#beatDue = true;
      if (!this.#woken) await new Promise<void>((resolve) => this.#sleep(resolve));
    }
  }

  #sleep(resolve: () => void): void {
    this.#wakeUp = resolve;
    if (this.#woken) resolve();
  }

  async #next(): Promise<readonly CommittedChange[] | undefined> {
    const recent = this.#live.changesAfter(this.#revision);
    if (recent !== undefined) return recent;
    return (await this.#store.changesSince(this.#revision))?.changes;
  }

  async #sendChanges(changes: readonly CommittedChange[]): Promise<void> {
    let batch = '';
    for (const { revision, facts } of changes) {
      batch += line({ type: 'change', revision, facts });
      if (batch.length >= batchCharacters) {
        await this.#write(batch);
        batch = '';
      }
      this.#revision = revision;
    }
    if (batch !== '') await this.#write(batch);
  }

  /** Waits while the follower's buffers are full; what waits here is one batch, the rest stays in the store. */
  async #write(text: string): Promise<void> {
    if (this.#ended || this.#response.destroyed) throw new Error('the follower is gone');
    if (this.#response.write(text)) return;
    const listening = new AbortController();
    const timer = setTimeout(() => this.#response.destroy(), this.#stallMs);
    try {
      const { signal } = listening;
      await Promise.race([once(this.#response, 'drain', { signal }), once(this.#response, 'close', { signal })]);
    } finally {
      clearTimeout(timer);
      listening.abort();
    }
    if (this.#response.destroyed) this.#ended = true;
  }
}

function line(frame: FollowFrame): string {
  return `${JSON.stringify(frame)}\n`;
}

/** A position that is not two plain numbers is none: the follower gets a snapshot. */
function positionOf(request: IncomingMessage): { epoch: number; revision: number } | undefined {
  const query = new URL(request.url ?? '/', 'http://control').searchParams;
  const [epoch, revision] = [query.get('epoch') ?? '', query.get('revision') ?? ''];
  if (!/^\d{1,16}$/.test(epoch) || !/^\d{1,16}$/.test(revision)) return undefined;
  return { epoch: Number(epoch), revision: Number(revision) };
}

function refuse(response: ServerResponse, detail: string): void {
  response.writeHead(503, { 'content-type': 'application/problem+json', 'retry-after': '1' });
  response.end(JSON.stringify({ title: 'not now', status: 503, detail }));
}
