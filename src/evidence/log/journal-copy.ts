import type { Checkpoint, VerifyNote } from './checkpoint.ts';
import type { Journal } from './journal.ts';
import { LogError } from './log-error.ts';
import { openFolder } from './open-journal.ts';

/** How far a copy goes. */
export interface CopyPosition {
  /** Records it has. */
  readonly size: number;
  /** The first record of its last segment. */
  readonly segment: number;
  /** Its last checkpoint. */
  readonly signed: { readonly size: number; readonly rootHash: string } | null;
}

export interface JournalCopyOptions {
  /** The writer's folder among those of the others; made when absent. Only one process may hold it. */
  readonly directory: string;
  readonly writer: string;
  readonly verifyNote: VerifyNote;
  /** Below this a segment is not ended: its writer's are 64 MiB, and many small ones would be many files. */
  readonly segmentBytesMin?: number;
  /** Above this it is not gone on with. */
  readonly segmentBytesMax?: number;
}

const defaults = { segmentBytesMin: 16 * 1024 * 1024, segmentBytesMax: 128 * 1024 * 1024 };

/**
 * The copy of a journal that another machine writes, byte for byte in segments of its own form, so that whatever reads journals reads it.
 * What is sent is not trusted: it only ever grows by the next records, and keeps checkpoints that a trusted key signed over them.
 */
export class JournalCopy {
  readonly #journal: Journal;
  readonly #options: Required<JournalCopyOptions>;

  private constructor(journal: Journal, options: Required<JournalCopyOptions>) {
    this.#journal = journal;
    this.#options = options;
  }

  /** Opens a copy or begins one. What a crash tore off its end comes again. Throws LogError `damaged` as openJournal() does. */
  static async open(given: JournalCopyOptions): Promise<JournalCopy> {
    const options = { ...defaults, ...given };
    const { directory, writer, verifyNote } = options;
    const random = (): never => {
      throw new Error('INVARIANT: a copy seals nothing');
    };
    const { journal } = await openFolder({ directory, writer, verifyNote, sync: 'interval', random });
    return new JournalCopy(journal, options);
  }

  get position(): CopyPosition {
    const { lastCheckpoint, size, segment } = this.#journal;
    const signed =
      lastCheckpoint === undefined ? null : { size: lastCheckpoint.size, rootHash: lastCheckpoint.rootHash };
    return { size, segment: segment.first, signed };
  }

  /** When its last checkpoint was signed; null before the first. */
  get signedAt(): number | null {
    return this.#journal.lastCheckpoint?.time ?? null;
  }

  /** Throws LogError `invalid`, and then nothing is written, unless each record is the next one of this writer. */
  async append(frames: Buffer, segment: number): Promise<void> {
    const { first, bytes } = this.#journal.segment;
    const { segmentBytesMin, segmentBytesMax } = this.#options;
    if (segment !== first && bytes < segmentBytesMin) throw new LogError('invalid', 'a segment ended too early');
    if (segment === first && bytes + frames.byteLength > segmentBytesMax) {
      throw new LogError('invalid', `a segment is larger than ${segmentBytesMax} bytes`);
    }
    await this.#journal.appendRecords(frames, { segment });
  }

  /** Throws LogError `invalid` unless a trusted key signed it, and over exactly the records that are here. */
  async keep(checkpoint: Checkpoint): Promise<void> {
    const signed = await this.#options.verifyNote(checkpoint.note);
    const { writer, size, rootHash, time } = checkpoint;
    const isSigned =
      signed?.writer === writer && signed.size === size && signed.rootHash === rootHash && signed.time === time;
    if (!isSigned) throw new LogError('invalid', `a checkpoint over ${size} records is not signed by a trusted key`);
    if (size <= (this.#journal.lastCheckpoint?.size ?? 0)) return;
    await this.#journal.keep(checkpoint);
  }

  close(): Promise<void> {
    return this.#journal.close();
  }
}
