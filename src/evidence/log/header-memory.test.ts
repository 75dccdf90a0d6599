import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { HeaderMemory } from './header-memory.ts';
import { leafHash } from './merkle-tree.ts';
import { tagRoomBytes } from './quick-hmac.ts';
import { taggedText, writeHeader } from './record-header.ts';

const tagOf = (text: string) => hash('sha256', text, 'base64url');
const stream = {
  tag: (memory: Buffer, length: number) => tagOf(memory.toString('latin1', tagRoomBytes, tagRoomBytes + length)),
};

test('HeaderMemory lays down what writeHeader() gives, whatever lay there before', () => {
  const text = (lengths: number[]) =>
    fc
      .tuple(fc.constantFrom(...lengths), fc.constantFrom('a', 'Z', '0', '_'))
      .map(([length, letter]) => letter.repeat(length));
  const digit = fc.constantFrom(0, 1, 2, 9, 10, 99);
  const members = {
    activity_id: digit,
    class_uid: fc.constantFrom(4002, 3002, 99),
    fact_revision: fc.constantFrom(40_123, 7),
    id: text([22, 1, 64]),
    payload_hash: text([43]),
    policy_sequence: fc.constantFrom(7, 10),
    seq: fc.oneof(fc.nat({ max: 1100 }), fc.integer({ min: 998_990, max: 1_001_010 })),
    severity_id: digit,
    status_id: digit,
    subject: text([22, 5]),
    time: fc.oneof(fc.constantFrom(0, 999, 1000), fc.integer({ min: 1_799_999_998_500, max: 1_800_000_001_500 })),
    writer: fc.constantFrom('gateway-1', 'gateway-10', 'control-1'),
  };
  const header = fc.record({ ...members, v: fc.constant(2 as const) });
  const changes = fc.array(fc.oneof(...Object.entries(members).map(([name, value]) => fc.record({ [name]: value }))), {
    minLength: 40,
    maxLength: 60,
  });
  fc.assert(
    fc.property(header, changes, (first, changes) => {
      const memory = new HeaderMemory();
      let laid = first;
      for (const change of changes) {
        laid = { ...laid, ...change };
        const expected = writeHeader({ ...laid, writer_tag: tagOf(taggedText(laid)) });
        assert.equal(memory.lay(laid, stream).toString('latin1'), expected);
        assert.deepEqual(memory.leaf(), leafHash(Buffer.from(expected)));
      }
    }),
    { numRuns: 200 },
  );
});
