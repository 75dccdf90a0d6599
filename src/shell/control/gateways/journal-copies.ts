import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { JournalCopy, LogError, listSegments, newestCheckpoint, pruneWriter, type VerifyNote } from '#evidence/log';
import type { MonotonicClock } from '#foundation/model';
import { type JournalPosition, type JournalShipment, localGatewayName } from '#shell/wire';
import { ApiProblem, problem } from '../api/problem.ts';

const mebibyte = 1024 * 1024;
/** What one gateway may send: at once, and each second in the long run. */
const burstBytesMax = 256 * mebibyte;
const bytesPerSecondMax = 8 * mebibyte;
/** A call costs its sender at least this much of that, a checkpoint, which is kept for good, more: an honest one comes once a minute. */
const callCost = 16 * 1024;
const checkpointCost = 32 * mebibyte;
const checkpointBytes = 1024;
const pruneMs = 24 * 3_600_000;
const troubleMsMin = 60_000;

export interface JournalCopiesNeeds {
  /** Holds one folder per writer. */
  readonly directory: string;
  readonly verifyNote: VerifyNote;
  readonly clock: () => number;
  readonly monotonicClock: MonotonicClock;
  readonly retentionMs: number;
  /** What the copy of one gateway's journal may take, bytes. */
  readonly bytesMax: number;
  /** Below this much free space on the disk nothing is taken: what is left is control's own. */
  readonly freeBytesMin: number;
  /** Tells the operator. */
  readonly notice: (line: string) => void;
  /** Tells our own journal that one is not taken; once a minute for each gateway at most. */
  readonly onTrouble: (words: string) => void;
}

/** How far control has the journal of one gateway. */
export interface ReceivedJournal {
  /** Before it sends again after control started, as many as its last checkpoint was signed over. */
  readonly records: number;
  /** What its last checkpoint was signed over, and when. */
  readonly signed: { readonly records: number; readonly at: number } | null;
  /** Why what it sent last is not taken. */
  readonly problem: string | null;
}

interface Held {
  readonly folder: string;
  readonly copy: JournalCopy;
  bytes: number;
  /** Bytes it may send now, as of `at`. */
  allowance: number;
  at: number;
  isBusy: boolean;
}

/** Keeps the journals of gateways on other machines beside our own, as they send them. */
export class JournalCopies {
  readonly #needs: JournalCopiesNeeds;
  readonly #held = new Map<string, Promise<Held>>();
  readonly #told = new Set<string>();
  readonly #received = new Map<string, ReceivedJournal>();
  readonly #troubledAt = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;

  constructor(needs: JournalCopiesNeeds) {
    this.#needs = needs;
    this.#timer = setInterval(() => void this.#prune(), pruneMs);
    this.#timer.unref();
  }

  /** `gateway` is who asks, by its certificate: its name is the only writer it can be. Throws ApiProblem. */
  async ship(gateway: string, shipment: JournalShipment): Promise<JournalPosition> {
    try {
      return await this.#take(gateway, shipment);
    } catch (error) {
      if (error instanceof ApiProblem) this.#noteTrouble(gateway, error);
      throw error;
    }
  }

  /** Undefined when it sent nothing yet. `gateway` is one of ours: its name is that of a folder. */
  received(gateway: string): ReceivedJournal | undefined {
    const known = this.#received.get(gateway);
    if (known !== undefined || gateway === localGatewayName) return known;
    // Only its last checkpoint, which was proved when it was kept: opening the copy reads it whole.
    const kept = newestCheckpoint(join(this.#needs.directory, gateway));
    if (kept === undefined) return undefined;
    const received = { records: kept.size, signed: { records: kept.size, at: kept.time }, problem: null };
    this.#received.set(gateway, received);
    return received;
  }

  async #take(gateway: string, { records, checkpoint }: JournalShipment): Promise<JournalPosition> {
    if (gateway === localGatewayName) {
      throw problem(403, 'local', 'the gateway of this machine writes its journal here itself');
    }
    const held = await this.#open(gateway);
    if (held.isBusy) throw problem(429, 'busy', 'one shipment at a time');
    held.isBusy = true;
    try {
      const frames = Buffer.from(records?.frames ?? '', 'base64');
      this.#spend(held, callCost + frames.byteLength + (checkpoint === null ? 0 : checkpointCost));
      await this.#checkSpace(gateway, held.bytes + frames.byteLength);
      // Sent twice, or not next: the sender learns where to go on.
      if (records !== null && records.seq === held.copy.position.size) {
        await held.copy.append(frames, records.segment);
        held.bytes += frames.byteLength;
      }
      if (checkpoint !== null) {
        await held.copy.keep(checkpoint);
        held.bytes += checkpointBytes;
      }
      this.#noteTaken(gateway, { copy: held.copy, isNews: records !== null || checkpoint !== null });
      return held.copy.position;
    } catch (error) {
      // After its disk failed a journal has to be opened again.
      if (error instanceof LogError && error.code === 'io') await this.#forget(gateway, held);
      throw this.#refusal(gateway, error);
    } finally {
      held.isBusy = false;
    }
  }

  /** Whoever only asks how far it is has not mended what is wrong. */
  #noteTaken(gateway: string, { copy, isNews }: { copy: JournalCopy; isNews: boolean }): void {
    const { size, signed } = copy.position;
    const at = copy.signedAt;
    this.#received.set(gateway, {
      records: size,
      signed: signed === null || at === null ? null : { records: signed.size, at },
      problem: isNews ? null : (this.#received.get(gateway)?.problem ?? null),
    });
  }

  #noteTrouble(gateway: string, { details: { status, detail } }: ApiProblem): void {
    if (status === 403 || status === 429) return;
    const before = this.received(gateway) ?? { records: 0, signed: null, problem: null };
    this.#received.set(gateway, { ...before, problem: detail });
    const now = this.#needs.monotonicClock();
    const isQuiet = now - (this.#troubledAt.get(gateway) ?? Number.NEGATIVE_INFINITY) >= troubleMsMin;
    if (before.problem === detail || !isQuiet) return;
    this.#troubledAt.set(gateway, now);
    this.#needs.onTrouble(`the journal of the gateway \`${gateway}\` is not taken: ${detail}`);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    for (const held of this.#held.values()) await held.then(({ copy }) => copy.close()).catch(() => undefined);
    this.#held.clear();
  }

  #open(gateway: string): Promise<Held> {
    const known = this.#held.get(gateway);
    if (known !== undefined) return known;
    const opening = this.#openFolder(gateway).catch((error: unknown) => {
      this.#held.delete(gateway);
      throw this.#refusal(gateway, error);
    });
    this.#held.set(gateway, opening);
    return opening;
  }

  async #openFolder(gateway: string): Promise<Held> {
    const { directory, verifyNote, monotonicClock } = this.#needs;
    const folder = join(directory, gateway);
    const copy = await JournalCopy.open({ directory: folder, writer: gateway, verifyNote });
    const held = { folder, copy, bytes: 0, allowance: burstBytesMax, at: monotonicClock(), isBusy: false };
    await this.#pruneOne(held);
    return held;
  }

  async #forget(gateway: string, { copy }: Held): Promise<void> {
    this.#held.delete(gateway);
    await copy.close().catch(() => undefined);
  }

  #spend(held: Held, cost: number): void {
    const now = this.#needs.monotonicClock();
    held.allowance = Math.min(burstBytesMax, held.allowance + ((now - held.at) / 1000) * bytesPerSecondMax);
    held.at = now;
    if (held.allowance < cost) throw problem(429, 'too-fast', 'too much of the journal at once; go on in a moment');
    held.allowance -= cost;
  }

  /** Throws unless the copy may become this large, and the disk has room. */
  async #checkSpace(gateway: string, bytes: number): Promise<void> {
    if (bytes > this.#needs.bytesMax) {
      const words = `the journal of the gateway \`${gateway}\` fills the ${this.#needs.bytesMax} bytes that it may take here`;
      this.#tell(`${words}; what is newer stays with it. Raise \`journal.gatewayBytes\`, or copy it elsewhere`);
      throw problem(507, 'copy-full', words);
    }
    const { bavail, bsize } = await statfs(this.#needs.directory);
    if (bavail * bsize < this.#needs.freeBytesMin)
      throw problem(507, 'disk-full', 'the disk of control is nearly full');
  }

  /** Words for the gateway, and for the operator where its journal is not what it should be. */
  #refusal(gateway: string, error: unknown): unknown {
    if (!(error instanceof LogError)) return error;
    if (error.code === 'full') return problem(507, 'disk-full', error.message);
    this.#tell(`the journal of the gateway \`${gateway}\` is not taken: ${error.message}`);
    return problem(409, 'not-taken', error.message);
  }

  /** Once each: a gateway tries again for ever. */
  #tell(words: string): void {
    if (this.#told.has(words)) return;
    if (this.#told.size >= 1_000) this.#told.clear();
    this.#told.add(words);
    this.#needs.notice(words);
  }

  async #prune(): Promise<void> {
    for (const opening of this.#held.values()) {
      await opening.then((held) => this.#pruneOne(held)).catch(() => undefined);
    }
  }

  /** We are the only one who writes here, so it is for us to remove what is older than the retention. */
  async #pruneOne(held: Held): Promise<void> {
    try {
      await pruneWriter(held.folder, this.#needs.clock() - this.#needs.retentionMs);
    } catch (error) {
      this.#tell(
        `the copy \`${held.folder}\` was not pruned: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
    held.bytes = listSegments(held.folder).reduce((sum, { bytes }) => sum + bytes, 0);
  }
}
