import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { closeFrame, FrameBoundary, goingAway, policyViolation } from './websocket-frames.ts';

/** A frame as RFC 6455 5.2 has it, its length in the shortest form or a longer one. */
function frameOf({ opcode, length, form, isMasked }: Shape): Buffer {
  const long = form === 2 || length > 0xffff ? 8 : form === 1 || length > 125 ? 2 : 0;
  const head = Buffer.alloc(2 + long + (isMasked ? 4 : 0));
  head[0] = 0x80 | opcode;
  head[1] = (isMasked ? 0x80 : 0) | (long === 8 ? 127 : long === 2 ? 126 : length);
  if (long === 2) head.writeUInt16BE(length, 2);
  if (long === 8) head.writeBigUInt64BE(BigInt(length), 2);
  // Payloads look like frames themselves.
  return Buffer.concat([head, Buffer.alloc(length, 0x88)]);
}

interface Shape {
  opcode: number;
  length: number;
  form: number;
  isMasked: boolean;
}

const shape = fc.record({
  opcode: fc.constantFrom(0, 1, 2, 9, 10),
  length: fc.oneof(fc.nat(200), fc.nat(70_000)),
  form: fc.nat(2),
  isMasked: fc.boolean(),
});

test('FrameBoundary is between frames where a frame ends and nowhere else, however the bytes are cut', () => {
  fc.assert(
    fc.property(fc.array(shape, { maxLength: 5 }), fc.array(fc.nat(), { maxLength: 8 }), (shapes, cuts) => {
      const frames = shapes.map(frameOf);
      const bytes = Buffer.concat(frames);
      const ends = new Set([0]);
      let end = 0;
      for (const frame of frames) {
        end += frame.length;
        ends.add(end);
      }
      const places = [...new Set([...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b);
      let at = 0;
      const boundary = new FrameBoundary();
      for (const place of places) {
        // The frame in progress ends where the next end is, at most where the bytes do.
        const rest = new FrameBoundary();
        rest.push(bytes.subarray(0, at));
        const ahead = bytes.subarray(at);
        const next = Math.min(...[...ends].filter((each) => each >= at), bytes.length);
        assert.equal(rest.pushRestOfFrame(ahead), next - at);
        boundary.push(bytes.subarray(at, place));
        at = place;
        assert.equal(boundary.isBetweenFrames, ends.has(at));
      }
      assert.equal(boundary.hasClosed, false);
    }),
  );
});

test('FrameBoundary knows a close frame by its header, not by payload that looks like one', () => {
  const boundary = new FrameBoundary();
  boundary.push(frameOf({ opcode: 2, length: 300, form: 0, isMasked: false }));
  assert.equal(boundary.hasClosed, false);
  boundary.push(closeFrame(goingAway, ''));
  assert.equal(boundary.hasClosed, true);
});

test('closeFrame() fits a control frame and never ends inside a character', () => {
  const frame = closeFrame(policyViolation, 'ü'.repeat(100));
  assert.deepEqual([...frame.subarray(0, 4)], [0x88, 124, 1008 >> 8, 1008 & 255]);
  assert.equal(new TextDecoder('utf-8', { fatal: true }).decode(frame.subarray(4)), 'ü'.repeat(61));
});
