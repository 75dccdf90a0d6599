import { open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { ReplicaError } from './replica-error.ts';

/** How far this gateway has been. */
export interface Position {
  readonly epoch: number;
  readonly revision: number;
}

/** What is remembered: how far this gateway has been, and the newest publication it has seen in that epoch. */
interface Known extends Position {
  readonly publication: number;
}

const count = z.int().min(0);
/** Earlier versions remembered no publication. */
const knownSchema = z.strictObject({ epoch: count, revision: count, publication: count.default(0) });

export function isBefore(a: Position, b: Position): boolean {
  return a.epoch < b.epoch || (a.epoch === b.epoch && a.revision < b.revision);
}

/**
 * The newest position ever seen, in a file: what keeps an old snapshot from being played back after a restart. A file that
 * is there but cannot be read is an error, never a fresh start.
 */
export class PositionFile {
  readonly #path: string;
  #known: Known;
  #wanted: Known | undefined;
  #writing: Promise<void> | undefined;
  readonly #onError: (error: ReplicaError) => void;

  private constructor(path: string, known: Known, onError: (error: ReplicaError) => void) {
    this.#path = path;
    this.#known = known;
    this.#onError = onError;
  }

  static async open(path: string, onError: (error: ReplicaError) => void): Promise<PositionFile> {
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
        return new PositionFile(path, { epoch: 0, revision: 0, publication: 0 }, onError);
      }
      throw unreadable(path, error);
    }
    try {
      return new PositionFile(path, knownSchema.parse(JSON.parse(text)), onError);
    } catch (error) {
      throw unreadable(path, error);
    }
  }

  get known(): Known {
    return this.#known;
  }

  /** The newest publication seen in this epoch; none in another. */
  publicationIn(epoch: number): number {
    return this.#known.epoch === epoch ? this.#known.publication : 0;
  }

  /** Remembers a position: at once in memory, soon on disk; positions that come while one is written are joined. */
  raise({ epoch, revision, publication = 0 }: Position & { readonly publication?: number | undefined }): void {
    const known = { epoch, revision, publication: Math.max(publication, this.publicationIn(epoch)) };
    if (!isBefore(this.#known, known) && known.publication === this.#known.publication) return;
    this.#known = known;
    this.#wanted = known;
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
  }

  /** Resolves when nothing waits to be written. */
  async settle(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  async #write(): Promise<void> {
    while (this.#wanted !== undefined) {
      const known = this.#wanted;
      this.#wanted = undefined;
      try {
        await replaceFile(this.#path, `${JSON.stringify(known)}\n`);
      } catch (cause) {
        this.#onError(
          new ReplicaError('position', `the position cannot be remembered in \`${this.#path}\`; check the disk`, {
            cause,
          }),
        );
      }
    }
  }
}

/** Written beside, synced, renamed, folder synced: after a power cut there is the old file or the new one. */
async function replaceFile(path: string, text: string): Promise<void> {
  const beside = `${path}.new`;
  const file = await open(beside, 'w', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(beside, path);
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function unreadable(path: string, cause: unknown): ReplicaError {
  const words = `the file \`${path}\`, which remembers the newest facts seen, cannot be read; put it right, or delete it if you know why it broke`;
  return new ReplicaError('position', words, { cause });
}
