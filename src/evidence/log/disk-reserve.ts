import { closeSync, existsSync, openSync, rmSync, statfsSync, statSync } from 'node:fs';
import { writeAll } from './segment-file.ts';

export interface ReserveOptions {
  /** The preallocated file. */
  readonly path: string;
  readonly bytes: number;
  /** Fills the file: a file system that compresses would store zeros in no space. */
  readonly random: (byteCount: number) => Uint8Array;
}

/** What a process may write on one look at the disk: this part of the reserve's size. */
const trustedPart = 32;

/**
 * Space kept for administrators. Ordinary appends are refused while less than the reserve's size is free, and so cannot
 * eat what another process has released; administrators' appends release the file when the disk is full.
 */
export class DiskReserve {
  readonly #options: ReserveOptions;
  readonly #directory: string;
  /** Bytes that ordinary appends may still write before the disk is looked at again. */
  #trustedBytes = 0;

  constructor(directory: string, options: ReserveOptions) {
    this.#directory = directory;
    this.#options = options;
    this.restore();
  }

  get #freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.#directory);
    return bavail * bsize;
  }

  get isHeld(): boolean {
    return existsSync(this.#options.path) && statSync(this.#options.path).size === this.#options.bytes;
  }

  /**
   * May an ordinary append write now? Takes the reserve back first when there is space for it again. A yes holds for a small part of
   * the reserve's size (`wrote`) and until `look`, because looking costs more than writing a few records; a no is asked for again at once.
   */
  allowsOrdinary(): boolean {
    if (this.#trustedBytes > 0) return true;
    if (!this.#hasRoom()) return false;
    this.#trustedBytes = Math.floor(this.#options.bytes / trustedPart);
    return true;
  }

  /** The next ordinary append looks at the disk again: others fill it too. */
  look(): void {
    this.#trustedBytes = 0;
  }

  /** Tells of bytes that were written. */
  wrote(bytes: number): void {
    this.#trustedBytes = Math.max(0, this.#trustedBytes - bytes);
  }

  #hasRoom(): boolean {
    const free = this.#freeBytes;
    if (free >= this.#options.bytes && this.isHeld) return true;
    // Twice: once for the file, once so that ordinary appends have room beside it.
    return free >= 2 * this.#options.bytes && this.restore();
  }

  /** Gives the space free; false when it was free already. */
  release(): boolean {
    this.#trustedBytes = 0;
    if (!existsSync(this.#options.path)) return false;
    rmSync(this.#options.path);
    return true;
  }

  /** Takes the space, if it is not held; false when there is not enough. */
  restore(): boolean {
    if (this.isHeld) return true;
    if (this.#freeBytes < 2 * this.#options.bytes) return false;
    let fd: number;
    try {
      fd = openSync(this.#options.path, 'w', 0o600);
    } catch {
      // Not even a name more: as good as no space.
      return false;
    }
    try {
      writeAll(fd, { bytes: this.#options.random(this.#options.bytes), position: 0 });
      return true;
    } catch {
      rmSync(this.#options.path, { force: true });
      return false;
    } finally {
      closeSync(fd);
    }
  }
}
