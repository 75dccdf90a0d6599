import { type Checkpoint, isSourceOf, newestCheckpoint, readPiece } from '#evidence/log';
import { type JournalPosition, type JournalShipment, shippedBytesMax } from '#shell/wire';

/** How often it is looked whether a checkpoint is new; one is signed about every minute. */
const lookMs = 2_000;
/** After what time does not mend, such as a journal that control has otherwise. */
const restMs = 60_000;
/** How long the end of the process may wait for what is left. */
const lastMs = 2_000;

/** Why control did not take a shipment. */
export class NotTaken extends Error {
  /** Is it only away, or asks for patience? */
  readonly isForLater: boolean;

  constructor(message: string, { isForLater }: { isForLater: boolean }) {
    super(message);
    this.isForLater = isForLater;
  }
}

export interface ShipJournalNeeds {
  /** The folder of this gateway's own journal. */
  readonly directory: string;
  /** Throws NotTaken. */
  readonly send: (shipment: JournalShipment) => Promise<JournalPosition>;
  readonly notice: (line: string) => void;
}

/** A gateway on another machine sends its journal to control: what a checkpoint was signed over, which no crash takes back. */
export class JournalShipping {
  readonly #needs: ShipJournalNeeds;
  #position: JournalPosition | undefined;
  #timer: NodeJS.Timeout | undefined;
  #shipping: Promise<void> = Promise.resolve();
  #isClosing = false;
  #told = '';

  constructor(needs: ShipJournalNeeds) {
    this.#needs = needs;
    this.#lookIn(0);
  }

  /** Sends what is left, if that is quick. Call it when the journal is closed: its last checkpoint is signed then. */
  async close(): Promise<void> {
    this.#isClosing = true;
    clearTimeout(this.#timer);
    const late = new Promise<void>((resolve) => setTimeout(resolve, lastMs).unref());
    await Promise.race([this.#shipping.then(() => this.#ship()).catch(() => undefined), late]);
  }

  #lookIn(afterMs: number): void {
    if (this.#isClosing) return;
    this.#timer = setTimeout(() => {
      this.#shipping = this.#ship().then(
        () => {
          this.#told = '';
          this.#lookIn(lookMs);
        },
        (error: unknown) => this.#lookIn(this.#failed(error)),
      );
    }, afterMs);
    this.#timer.unref();
  }

  async #ship(): Promise<void> {
    const { directory } = this.#needs;
    const newest = newestCheckpoint(directory);
    if (newest === undefined || newest.size === this.#position?.signed?.size) return;
    let at = this.#position ?? (await this.#begin());
    while (at.size < newest.size) at = await this.#sendRecords(at, newest);
    if (at.signed?.size !== newest.size) await this.#send({ records: null, checkpoint: newest });
  }

  /** Where control stands; what it has must be ours. */
  async #begin(): Promise<JournalPosition> {
    const position = await this.#send({ records: null, checkpoint: null });
    if (isSourceOf(this.#needs.directory, position)) return position;
    this.#position = undefined;
    throw new Error(
      `control has ${position.size} records under this name that are not of this journal; what happens here stays here. Join under another name`,
    );
  }

  async #sendRecords(at: JournalPosition, { size: until }: Checkpoint): Promise<JournalPosition> {
    const piece = readPiece(this.#needs.directory, { size: at.size, until, bytesMax: shippedBytesMax });
    const { segment, seq, frames } = piece;
    const now = await this.#send({ records: { segment, seq, frames: frames.toString('base64') }, checkpoint: null });
    if (now.size !== seq + piece.count) {
      this.#position = undefined;
      throw new Error(`control has ${now.size} records of this journal after it was sent up to ${seq + piece.count}`);
    }
    return now;
  }

  async #send(shipment: JournalShipment): Promise<JournalPosition> {
    this.#position = await this.#needs.send(shipment);
    return this.#position;
  }

  /** Says what is wrong, once, unless control is only away or asks for patience; gives how long to wait. */
  #failed(error: unknown): number {
    // What control has by now is asked for again.
    this.#position = undefined;
    if (error instanceof NotTaken && error.isForLater) return lookMs;
    const words = error instanceof Error ? error.message : String(error);
    if (words !== this.#told) this.#needs.notice(`the journal is not sent to control: ${words}`);
    this.#told = words;
    return restMs;
  }
}
