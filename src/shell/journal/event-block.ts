import type { SealableEvent, SubjectKey, WrittenEvent } from '#evidence/log';

/*
 * A batch of events in memory that both threads see, so that handing it over is one small message: texts are written where the other
 * thread reads them, and neither put together nor copied on the way. Only one thread uses a block at a time: whoever was told last.
 *   f64 count   f64 1 when it is reserved, else 0
 *   for each event, from a multiple of eight bytes on:
 *   f64 time, class, activity, severity, status, number of the key that seals it, policy sequence, fact revision,
 *       bytes of the id, bytes of the payload
 *   id   payload as JSON in UTF-8
 */
const headNumbers = 2;
const eventNumbers = 10;
const numberBytes = 8;
const idBytesMax = 64;

/** Bytes of a block unless one event needs more. */
export const blockBytes = 128 * 1024;

/** Bytes a block needs to hold one event by itself. */
export function blockBytesFor(payload: string): number {
  const bytes = (headNumbers + eventNumbers) * numberBytes + idBytesMax + Buffer.byteLength(payload);
  return Math.max(blockBytes, Math.ceil(bytes / numberBytes) * numberBytes);
}

export class EventBlock {
  readonly memory: SharedArrayBuffer;
  readonly #numbers: Float64Array;
  readonly #bytes: Buffer;
  #end = headNumbers * numberBytes;
  #count = 0;

  constructor(memory: SharedArrayBuffer) {
    this.memory = memory;
    this.#numbers = new Float64Array(memory);
    this.#bytes = Buffer.from(memory);
  }

  get count(): number {
    return this.#count;
  }

  /** Empties it for the next batch. */
  clear(): void {
    this.#end = headNumbers * numberBytes;
    this.#count = 0;
  }

  hasRoomFor(payload: string): boolean {
    const room = this.#bytes.byteLength - this.#end - eventNumbers * numberBytes - idBytesMax;
    // A character is three bytes at most; only where that does not fit it is counted.
    return room >= 3 * payload.length || room >= Buffer.byteLength(payload);
  }

  /** Adds an event that there is room for; `id` is ASCII and no longer than an id may be. */
  add(event: Omit<WrittenEvent, 'payload'>, { payload, key }: { payload: string; key: number }): void {
    const numbers = this.#numbers;
    const at = this.#end / numberBytes;
    const idStart = this.#end + eventNumbers * numberBytes;
    const payloadStart = idStart + this.#bytes.write(event.id, idStart, 'latin1');
    const end = payloadStart + this.#bytes.write(payload, payloadStart, 'utf8');
    numbers[at] = event.time;
    numbers[at + 1] = event.classUid;
    numbers[at + 2] = event.activityId;
    numbers[at + 3] = event.severityId;
    numbers[at + 4] = event.statusId;
    numbers[at + 5] = key;
    numbers[at + 6] = event.policySequence;
    numbers[at + 7] = event.factRevision;
    numbers[at + 8] = payloadStart - idStart;
    numbers[at + 9] = end - payloadStart;
    this.#end = Math.ceil(end / numberBytes) * numberBytes;
    this.#count += 1;
  }

  /** The last thing before the other thread is told of it. */
  finish({ isReserved }: { isReserved: boolean }): void {
    this.#numbers[0] = this.#count;
    this.#numbers[1] = isReserved ? 1 : 0;
  }

  /** What the other thread has put in. Payloads lie in the block: they hold until that thread is answered. */
  read(keyOf: (key: number) => SubjectKey | undefined): { events: SealableEvent[]; isReserved: boolean } {
    const number = (index: number) => this.#numbers[index] ?? 0;
    const events: SealableEvent[] = [];
    let start = headNumbers * numberBytes;
    for (let left = number(0); left > 0; left -= 1) {
      const at = start / numberBytes;
      const idStart = start + eventNumbers * numberBytes;
      const payloadStart = idStart + number(at + 8);
      const end = payloadStart + number(at + 9);
      const subject = keyOf(number(at + 5));
      if (subject === undefined) throw new Error('INVARIANT: a key is sent before the first event that needs it');
      events.push({
        fields: {
          id: this.#bytes.toString('latin1', idStart, payloadStart),
          time: number(at),
          class_uid: number(at + 1),
          activity_id: number(at + 2),
          severity_id: number(at + 3),
          status_id: number(at + 4),
          policy_sequence: number(at + 6),
          fact_revision: number(at + 7),
        },
        payload: this.#bytes.subarray(payloadStart, end),
        subject,
      });
      start = Math.ceil(end / numberBytes) * numberBytes;
    }
    return { events, isReserved: number(1) === 1 };
  }
}
