import { sha256 } from './sha256.ts';

/** Bytes of a SHA-256 hash. */
export const hashBytes = 32;

const empty = sha256(Buffer.alloc(0));

/** Leaf hash, RFC 9162 section 2.1.1: SHA-256(0x00 || entry). */
export function leafHash(entry: Uint8Array): Buffer {
  const prefixed = Buffer.allocUnsafe(entry.byteLength + 1);
  prefixed[0] = 0x00;
  prefixed.set(entry, 1);
  return sha256(prefixed);
}

/** What an inner node is hashed from; every record makes one, so the memory is always the same. */
const nodeInput = Buffer.alloc(1 + 2 * hashBytes, 0x01);

/** Inner node hash, RFC 9162 section 2.1.1: SHA-256(0x01 || left || right). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  nodeInput.set(left, 1);
  nodeInput.set(right, 1 + hashBytes);
  return sha256(nodeInput);
}

/**
 * The roots of the perfect subtrees that make up a tree of `size` leaves, largest first: all that is needed to append
 * further leaves and to give the root. One subtree per set bit of `size`.
 */
export class CompactRange {
  #size: number;
  #nodes: Buffer[];

  constructor(size = 0, nodes: readonly Uint8Array[] = []) {
    if (nodes.length !== subtreeCount(size) || nodes.some((node) => node.byteLength !== hashBytes)) {
      throw new RangeError(`a tree of ${size} leaves has ${subtreeCount(size)} subtrees of ${hashBytes} bytes`);
    }
    this.#size = size;
    this.#nodes = nodes.map((node) => Buffer.from(node));
  }

  get size(): number {
    return this.#size;
  }

  get nodes(): readonly Buffer[] {
    return this.#nodes;
  }

  append(leaf: Buffer): void {
    let node = leaf;
    // Each set low bit of the old size is a perfect subtree as large as the one we carry: they merge.
    for (let rest = this.#size; rest % 2 === 1; rest = Math.floor(rest / 2)) {
      const left = this.#nodes.pop();
      if (left === undefined) throw new Error('INVARIANT: a set bit of the size has its subtree');
      node = nodeHash(left, node);
    }
    this.#nodes.push(node);
    this.#size += 1;
  }

  /** The Merkle tree hash of all leaves so far. */
  root(): Buffer {
    let root: Buffer | undefined;
    for (const node of this.#nodes.toReversed()) root = root === undefined ? node : nodeHash(node, root);
    return root ?? empty;
  }

  /** One that grows by itself; nodes are never changed, so both hold the same. */
  clone(): CompactRange {
    const range = new CompactRange();
    range.#size = this.#size;
    range.#nodes = [...this.#nodes];
    return range;
  }
}

function subtreeCount(size: number): number {
  if (!Number.isSafeInteger(size) || size < 0) throw new RangeError('a tree size is a non-negative integer');
  let count = 0;
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) count += rest % 2;
  return count;
}

/** Reads leaf hash `index`. */
export type LeafReader = (index: number) => Uint8Array;

/** MTH(D[from:to]) over leaf hashes, RFC 9162 section 2.1.1. */
export function subtreeRoot(leaves: LeafReader, from: number, to: number): Buffer {
  const range = new CompactRange();
  for (let index = from; index < to; index += 1) range.append(Buffer.from(leaves(index)));
  return range.root();
}

/** Largest power of two smaller than `size` (which is at least 2). */
function splitPoint(size: number): number {
  let split = 1;
  while (split * 2 < size) split *= 2;
  return split;
}

/** The inclusion path of leaf `index` in the tree of the first `size` leaves, RFC 9162 section 2.1.3.1. */
export function inclusionProof(leaves: LeafReader, { index, size }: { index: number; size: number }): Buffer[] {
  if (!(index >= 0 && index < size)) throw new RangeError(`leaf ${index} is not in a tree of ${size}`);
  const path: Buffer[] = [];
  let from = 0;
  let to = size;
  while (to - from > 1) {
    const middle = from + splitPoint(to - from);
    if (index < middle) {
      path.push(subtreeRoot(leaves, middle, to));
      to = middle;
    } else {
      path.push(subtreeRoot(leaves, from, middle));
      from = middle;
    }
  }
  return path.reverse();
}

/** The consistency path from the first `from` leaves to the first `to`, RFC 9162 section 2.1.4.1. */
export function consistencyProof(leaves: LeafReader, { from, to }: { from: number; to: number }): Buffer[] {
  if (!(from > 0 && from <= to)) throw new RangeError(`no consistency proof from ${from} to ${to}`);
  const path: Buffer[] = [];
  let left = 0;
  let right = to;
  let wasWhole = true;
  while (from !== right) {
    const middle = left + splitPoint(right - left);
    if (from <= middle) {
      path.push(subtreeRoot(leaves, middle, right));
      right = middle;
    } else {
      path.push(subtreeRoot(leaves, left, middle));
      left = middle;
      wasWhole = false;
    }
  }
  if (!wasWhole) path.push(subtreeRoot(leaves, left, right));
  return path.reverse();
}

export interface InclusionClaim {
  readonly leaf: Uint8Array;
  readonly index: number;
  readonly size: number;
  readonly proof: readonly Uint8Array[];
  readonly root: Uint8Array;
}

/** Checks an inclusion proof, RFC 9162 section 2.1.3.2. */
export function verifyInclusion({ leaf, index, size, proof, root }: InclusionClaim): boolean {
  if (!(index >= 0 && index < size)) return false;
  let node = index;
  let last = size - 1;
  let hashed: Buffer = Buffer.from(leaf);
  for (const step of proof) {
    if (last === 0 || step.byteLength !== hashBytes) return false;
    if (node % 2 === 1 || node === last) {
      hashed = nodeHash(step, hashed);
      while (node % 2 === 0 && node !== 0) {
        node = Math.floor(node / 2);
        last = Math.floor(last / 2);
      }
    } else {
      hashed = nodeHash(hashed, step);
    }
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 && hashed.equals(root);
}

export interface ConsistencyClaim {
  readonly from: number;
  readonly to: number;
  readonly fromRoot: Uint8Array;
  readonly toRoot: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

/** Checks a consistency proof, RFC 9162 section 2.1.4.2. */
export function verifyConsistency({ from, to, fromRoot, toRoot, proof }: ConsistencyClaim): boolean {
  if (!(from > 0 && from <= to) || proof.some((step) => step.byteLength !== hashBytes)) return false;
  if (from === to) return proof.length === 0 && Buffer.from(fromRoot).equals(toRoot);
  const isPowerOfTwo = subtreeCount(from) === 1;
  const path = isPowerOfTwo ? [fromRoot, ...proof] : proof;
  const [seed, ...steps] = path;
  if (seed === undefined) return false;
  let node = from - 1;
  let last = to - 1;
  while (node % 2 === 1) {
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  }
  let first: Buffer = Buffer.from(seed);
  let second: Buffer = Buffer.from(seed);
  for (const step of steps) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      first = nodeHash(step, first);
      second = nodeHash(step, second);
      while (node % 2 === 0 && node !== 0) {
        node = Math.floor(node / 2);
        last = Math.floor(last / 2);
      }
    } else {
      second = nodeHash(second, step);
    }
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 && first.equals(fromRoot) && second.equals(toRoot);
}
