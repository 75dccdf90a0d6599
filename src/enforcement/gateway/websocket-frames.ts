/** RFC 6455 7.4.1: the server goes down, or has heard nothing for too long; the same may be asked for again. */
export const goingAway = 1001;
/** RFC 6455 7.4.1: the endpoint's policy was violated. */
export const policyViolation = 1008;
const reasonBytesMax = 123;
const closeOpcode = 8;

/** A close frame as servers send it: unmasked (RFC 6455 5.1, 5.5.1). */
export function closeFrame(code: number, reason: string): Buffer {
  const text = Buffer.from(reason);
  let length = Math.min(text.length, reasonBytesMax);
  // Never end inside a UTF-8 sequence: the peer would call that a protocol error.
  while (length > 0 && length < text.length && ((text[length] ?? 0) & 0xc0) === 0x80) length--;
  return Buffer.concat([
    Buffer.from([0x80 | closeOpcode, 2 + length, code >> 8, code & 255]),
    text.subarray(0, length),
  ]);
}

/** Follows frame headers in a byte stream, to know whether a frame of ours may be put in now. Payloads are skipped. */
export class FrameBoundary {
  #header: number[] = [];
  #payloadLeft = 0;
  #hasClosed = false;

  get isBetweenFrames(): boolean {
    return this.#payloadLeft === 0 && this.#header.length === 0;
  }

  /** Was a close frame among them? Nothing may follow it (RFC 6455 5.5.1). */
  get hasClosed(): boolean {
    return this.#hasClosed;
  }

  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) at += this.#pushPart(chunk, at);
  }

  /** Takes no more than what belongs to the frame in progress, and gives how many bytes that is. */
  pushRestOfFrame(chunk: Uint8Array): number {
    let at = 0;
    while (at < chunk.length && !this.isBetweenFrames) at += this.#pushPart(chunk, at);
    return at;
  }

  /** Payload that is there, or one byte of a header; gives how many bytes it took. */
  #pushPart(chunk: Uint8Array, at: number): number {
    if (this.#payloadLeft > 0) {
      const skip = Math.min(this.#payloadLeft, chunk.length - at);
      this.#payloadLeft -= skip;
      return skip;
    }
    this.#header.push(chunk[at] ?? 0);
    const length = this.#payloadLength();
    if (length !== undefined) {
      if (((this.#header[0] ?? 0) & 0x0f) === closeOpcode) this.#hasClosed = true;
      this.#payloadLeft = length;
      this.#header = [];
    }
    return 1;
  }

  /** Payload length once the header is complete, else undefined. */
  #payloadLength(): number | undefined {
    const header = this.#header;
    if (header.length < 2) return undefined;
    const second = header[1] ?? 0;
    const short = second & 0x7f;
    const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
    const maskBytes = second & 0x80 ? 4 : 0;
    if (header.length < 2 + lengthBytes + maskBytes) return undefined;
    if (lengthBytes === 0) return short;
    return header.slice(2, 2 + lengthBytes).reduce((sum, byte) => sum * 256 + byte, 0);
  }
}
