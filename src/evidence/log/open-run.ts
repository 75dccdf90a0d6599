import type { FramePlace } from './frame.ts';
import type { HeaderGlance } from './glance-header.ts';
import type { SubjectKey } from './journal-keys.ts';
import { isSealedLength, MetStreams, type OpeningStream, TagMemory } from './open-payload.ts';
import { gapBytesMax, positionBytes } from './pad-stream.ts';
import { positionStart, sealBytes, sealedStreamsMax } from './seal-payload.ts';
import { payloadBytesMax } from './sealable-event.ts';

/** What goes through the cipher at once. Any payload fits, with what is not wanted before it. */
const runBytesMax = payloadBytesMax + 2 * gapBytesMax;

/** A record of version 2, somewhere in some bytes. */
export interface PlacedRecord {
  readonly frame: FramePlace;
  readonly header: HeaderGlance;
  /** Where its payload lies among those that go through the cipher with it. */
  runAt: number;
}

/** Opens many payloads where they lie. Those of one stream that follow each other go through the cipher together. */
export class RunOpener {
  readonly #streams = new MetStreams(sealedStreamsMax);
  readonly #tags = new TagMemory();
  /** Of one stream, from `#position` on. */
  readonly #run = Buffer.alloc(runBytesMax);
  readonly #taken: PlacedRecord[] = [];
  #stream: OpeningStream | undefined;
  #position = 0;
  #end = 0;

  /**
   * Takes a record to open. False: it is not what was written. It lies open, from `sealBytes` on, after the next end(). `isProven`: these
   * bytes are known to be what was written.
   */
  take(
    bytes: Buffer,
    { record, subject, isProven }: { record: PlacedRecord; subject: SubjectKey; isProven: boolean },
  ): boolean {
    const { restStart, end } = record.frame;
    if (!isSealedLength(end - restStart)) return false;
    const stream = this.#streamOf(subject, { bytes, at: restStart });
    if (!isProven && !this.#isAuthentic(bytes, { record, stream })) return false;
    const start = restStart + sealBytes;
    const position = bytes.readUIntBE(restStart + positionStart, positionBytes);
    let at = position - this.#position;
    const isNext = stream === this.#stream && at >= this.#end && at <= this.#end + gapBytesMax;
    if (!isNext || at + end - start > runBytesMax) {
      this.end(bytes);
      this.#stream = stream;
      this.#position = stream.run.startFor(position);
      at = position - this.#position;
    }
    bytes.copy(this.#run, at, start, end);
    this.#end = at + end - start;
    record.runAt = at;
    this.#taken.push(record);
    return true;
  }

  #streamOf(subject: SubjectKey, place: { bytes: Buffer; at: number }): OpeningStream {
    const last = this.#stream;
    const isSame = last?.subject === subject && last.hasSalt(place.bytes, place.at);
    return isSame ? last : this.#streams.of(subject, place);
  }

  #isAuthentic(bytes: Buffer, { record, stream }: { record: PlacedRecord; stream: OpeningStream }): boolean {
    const { textStart, restStart, end } = record.frame;
    const { hashStart, hashEnd } = record.header;
    const payloadHash = bytes.toString('latin1', hashStart, hashEnd);
    const [text, sealed] = [bytes.subarray(textStart, restStart), bytes.subarray(restStart, end)];
    return stream.isAuthentic({ text, sealed, payloadHash }, this.#tags);
  }

  /** Lays open what was taken. */
  end(bytes: Buffer): void {
    const opened = this.#stream?.run.through(this.#position, this.#run.subarray(0, this.#end));
    for (const { frame, runAt } of this.#taken) {
      const start = frame.restStart + sealBytes;
      opened?.copy(bytes, start, runAt, runAt + frame.end - start);
    }
    this.#taken.length = 0;
    this.#stream = undefined;
    this.#end = 0;
  }
}
