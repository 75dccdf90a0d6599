/** RFC 6455 7.4.1: the endpoint's policy was violated. */
export const policyViolation = 1008;
const reasonBytesMax = 123;

/** A close frame. `maskKey` (4 bytes) when it goes to a server, as RFC 6455 5.3 demands of clients. */
export function closeFrame(reason: string, maskKey: Uint8Array | null): Buffer {
  const text = Buffer.from(reason);
  let length = Math.min(text.length, reasonBytesMax);
  // Never end inside a UTF-8 sequence: the peer would call that a protocol error.
  while (length > 0 && length < text.length && ((text[length] ?? 0) & 0xc0) === 0x80) length--;
  const payload = Buffer.concat([Buffer.from([policyViolation >> 8, policyViolation & 255]), text.subarray(0, length)]);
  if (maskKey === null) return Buffer.concat([Buffer.from([0x88, payload.length]), payload]);
  const masked = payload.map((byte, index) => byte ^ (maskKey[index % 4] ?? 0));
  return Buffer.concat([Buffer.from([0x88, 0x80 | payload.length]), maskKey, masked]);
}

/** Follows frame headers in a byte stream, to know whether a frame of ours may be put in now. Payloads are skipped. */
export class FrameBoundary {
  #header: number[] = [];
  #payloadLeft = 0;

  get isBetweenFrames(): boolean {
    return this.#payloadLeft === 0 && this.#header.length === 0;
  }

  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#payloadLeft > 0) {
        const skip = Math.min(this.#payloadLeft, chunk.length - at);
        this.#payloadLeft -= skip;
        at += skip;
        continue;
      }
      this.#header.push(chunk[at] ?? 0);
      at++;
      const length = this.#payloadLength();
      if (length !== undefined) {
        this.#payloadLeft = length;
        this.#header = [];
      }
    }
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
