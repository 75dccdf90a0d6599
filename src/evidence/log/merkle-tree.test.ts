import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  CompactRange,
  consistencyProof,
  inclusionProof,
  leafHash,
  verifyConsistency,
  verifyInclusion,
} from '#evidence/log';

const sha256 = (...parts: Uint8Array[]) => createHash('sha256').update(Buffer.concat(parts)).digest();

/** MTH, PATH and PROOF written down exactly as RFC 9162 section 2.1 defines them: slow, obvious, the reference. */
function mth(d: readonly Buffer[]): Buffer {
  if (d.length === 0) return sha256(Buffer.alloc(0));
  if (d.length === 1) return sha256(Buffer.of(0), d[0] ?? Buffer.alloc(0));
  const k = split(d.length);
  return sha256(Buffer.of(1), mth(d.slice(0, k)), mth(d.slice(k)));
}
function split(n: number): number {
  return 2 ** Math.floor(Math.log2(n - 1));
}
function path(m: number, d: readonly Buffer[]): Buffer[] {
  if (d.length === 1) return [];
  const k = split(d.length);
  return m < k ? [...path(m, d.slice(0, k)), mth(d.slice(k))] : [...path(m - k, d.slice(k)), mth(d.slice(0, k))];
}
function subproof(m: number, d: readonly Buffer[], b: boolean): Buffer[] {
  if (m === d.length) return b ? [] : [mth(d)];
  const k = split(d.length);
  return m <= k
    ? [...subproof(m, d.slice(0, k), b), mth(d.slice(k))]
    : [...subproof(m - k, d.slice(k), false), mth(d.slice(0, k))];
}

// The entries and roots that Certificate Transparency implementations test with (RFC 6962 hashing).
const entries = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
const roots = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

test('CompactRange gives the published RFC 6962 roots', () => {
  const range = new CompactRange();
  assert.equal(range.root().toString('hex'), roots[0]);
  for (const [index, entry] of entries.entries()) {
    range.append(leafHash(Buffer.from(entry, 'hex')));
    assert.equal(range.root().toString('hex'), roots[index + 1]);
  }
});

function leavesOf(count: number) {
  const data = Array.from({ length: count }, (_, index) => Buffer.from(`entry ${index}`));
  const hashes = data.map(leafHash);
  const at = (index: number) => hashes[index] ?? assert.fail();
  return { data, hashes, at };
}

test('roots and proofs equal the definition in RFC 9162 for trees of any size', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 130 }), fc.nat(), (size, seed) => {
      const { data, hashes, at } = leavesOf(size);
      const range = new CompactRange();
      for (const hash of hashes) range.append(hash);
      assert.deepEqual(range.root(), mth(data));
      assert.deepEqual(new CompactRange(size, range.nodes).root(), mth(data));
      const index = seed % size;
      assert.deepEqual(inclusionProof(at, { index, size }), path(index, data));
      const from = index + 1;
      assert.deepEqual(consistencyProof(at, { from, to: size }), subproof(from, data, true));
    }),
    { numRuns: 150 },
  );
});

test('every inclusion and consistency proof of small trees verifies, and none with anything changed', () => {
  for (let size = 1; size <= 17; size += 1) {
    const { data, at } = leavesOf(size);
    const root = mth(data);
    for (let index = 0; index < size; index += 1) {
      const claim = { leaf: at(index), index, size, proof: path(index, data), root };
      assert.ok(verifyInclusion(claim), `${index} of ${size}`);
      assert.ok(!verifyInclusion({ ...claim, leaf: leafHash(Buffer.from('other')) }));
      assert.ok(!verifyInclusion({ ...claim, proof: [...claim.proof, root] }));
      if (size > 1) assert.ok(!verifyInclusion({ ...claim, proof: claim.proof.slice(1) }));
      if (size > 1) assert.ok(!verifyInclusion({ ...claim, index: (index + 1) % size }));
      assert.ok(!verifyInclusion({ ...claim, index: size }));

      const from = index + 1;
      const fromRoot = mth(data.slice(0, from));
      const consistency = { from, to: size, fromRoot, toRoot: root, proof: subproof(from, data, true) };
      assert.ok(verifyConsistency(consistency), `${from} to ${size}`);
      assert.ok(!verifyConsistency({ ...consistency, fromRoot: leafHash(fromRoot) }));
      assert.ok(!verifyConsistency({ ...consistency, toRoot: leafHash(root) }));
      assert.ok(!verifyConsistency({ ...consistency, proof: [...consistency.proof, root] }));
      if (from < size) assert.ok(!verifyConsistency({ ...consistency, proof: consistency.proof.slice(0, -1) }));
    }
  }
});
