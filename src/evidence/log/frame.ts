import { crc32 } from 'node:zlib';
import { sha256 } from './sha256.ts';

/*
 * One frame of a segment file, big-endian:
 *   u32  length of everything after the checksum
 *   u32  CRC-32 of that
 *   u8   kind: 0 record, 1 segment head
 *   u16  length of the text
 *   u8   0x00, which is also the leaf prefix of RFC 9162: the leaf is hashed where it lies
 *   text (record header or segment head)
 *   rest (sealed payload)
 */
const prefixBytes = 8;
const fixedBytes = 4;
/** Bytes of a frame that are neither text nor rest. */
export const frameOverheadBytes = prefixBytes + fixedBytes;
/** Larger than any frame we write; a length beyond it is damage. */
export const frameBytesMax = 1024 * 1024;
export const textBytesMax = 0xffff;

export type FrameKind = 'record' | 'head';

export interface Frame {
  readonly kind: FrameKind;
  readonly text: Buffer;
  readonly rest: Buffer;
  /** Bytes of the whole frame. */
  readonly bytes: number;
}

/** Writes a frame into `target` at `offset`, which must have room, and gives the offset behind it. */
export function writeFrame(
  target: Buffer,
  { offset, kind, text, rest }: { offset: number; kind: FrameKind; text: string | Uint8Array; rest: Uint8Array },
): number {
  const textLength = text.length;
  if (typeof text === 'string') target.write(text, offset + frameOverheadBytes, 'latin1');
  else target.set(text, offset + frameOverheadBytes);
  const length = fixedBytes + textLength + rest.byteLength;
  target[offset + prefixBytes] = kind === 'record' ? 0 : 1;
  target.writeUInt16BE(textLength, offset + prefixBytes + 1);
  target[offset + prefixBytes + 3] = 0x00;
  target.set(rest, offset + frameOverheadBytes + textLength);
  const end = offset + prefixBytes + length;
  target.writeUInt32BE(length, offset);
  target.writeUInt32BE(crc32(target.subarray(offset + prefixBytes, end)), offset + 4);
  return end;
}

/** `short`: the bytes end before the frame does. `bad`: they are no frame. */
export type FrameProblem = 'short' | 'bad';

/** Where a frame lies in some bytes. */
export class FramePlace {
  start = 0;
  kind: FrameKind = 'record';
  textStart = 0;
  restStart = 0;
  end = 0;

  /** Takes the place of the frame at `start`; its checksum is left to be compared. Undefined: that worked. */
  take(bytes: Buffer, start: number): FrameProblem | undefined {
    if (bytes.byteLength - start < prefixBytes) return 'short';
    const length = bytes.readUInt32BE(start);
    if (length < fixedBytes || length > frameBytesMax) return 'bad';
    const fixed = start + prefixBytes;
    const end = fixed + length;
    if (end > bytes.byteLength) return 'short';
    const kind = bytes[fixed];
    const textStart = fixed + fixedBytes;
    const restStart = textStart + bytes.readUInt16BE(fixed + 1);
    if ((kind !== 0 && kind !== 1) || bytes[fixed + 3] !== 0x00 || restStart > end) return 'bad';
    this.start = start;
    this.kind = kind === 0 ? 'record' : 'head';
    this.textStart = textStart;
    this.restStart = restStart;
    this.end = end;
    return undefined;
  }

  /** Does the checksum fit? It finds accidents; intent is found by tags and hashes. */
  isSound(bytes: Buffer): boolean {
    return crc32(bytes.subarray(this.start + prefixBytes, this.end)) === bytes.readUInt32BE(this.start + 4);
  }
}

/** Reads the frame at `offset`. The result borrows from `bytes`. */
export function readFrame(bytes: Buffer, offset: number): Frame | FrameProblem {
  const place = new FramePlace();
  const problem = place.take(bytes, offset);
  if (problem !== undefined) return problem;
  if (!place.isSound(bytes)) return 'bad';
  const { kind, textStart, restStart, end } = place;
  return {
    kind,
    text: bytes.subarray(textStart, restStart),
    rest: bytes.subarray(restStart, end),
    bytes: end - offset,
  };
}

/** The leaf hash of the record whose text this is, hashed in place: the byte before the text is the leaf prefix. */
export function leafHashInPlace(text: Buffer): Buffer {
  return sha256(Buffer.from(text.buffer, text.byteOffset - 1, text.byteLength + 1));
}
