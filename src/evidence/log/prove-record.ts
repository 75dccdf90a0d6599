import { toBase64url } from '#foundation/encoding';
import { LogError } from './log-error.ts';
import { consistencyProof, inclusionProof, leafHash, subtreeRoot, verifyInclusion } from './merkle-tree.ts';
import { type RecordHeader, readHeader, writeHeader } from './record-header.ts';
import { listSegments } from './segment-file.ts';
import { openSegment, readPrunedLeaves, walkSegment } from './walk-segment.ts';

/** Evidence that a record stands in a log of a given size and root: checkable without the log. Hashes are base64url. */
export interface InclusionEvidence {
  /** The record's header, exactly as hashed. */
  readonly header: string;
  readonly size: number;
  readonly rootHash: string;
  readonly proof: readonly string[];
}

/** Leaf hashes of one writer's journal, pruned ones included. */
export function readLeafHashes(directory: string): Buffer[] {
  const leaves: Buffer[] = [];
  for (const file of listSegments(directory)) {
    if (file.first !== leaves.length) throw new LogError('damaged', `records before \`${file.path}\` are missing`);
    if (file.isPruned) {
      for (const leaf of readPrunedLeaves(file)) leaves.push(leaf);
      continue;
    }
    const segment = openSegment(file);
    try {
      for (const item of walkSegment(segment.fd, { head: segment.head, offset: segment.bytes })) {
        if ('problem' in item) return leaves;
        leaves.push(item.record.leaf);
      }
    } finally {
      segment.close();
    }
  }
  return leaves;
}

/** Proves that a record is in the log as of `size` records, such as a checkpoint's. Throws LogError `invalid` when it is newer. */
export function proveInclusion(
  directory: string,
  { header, size }: { header: RecordHeader; size: number },
): InclusionEvidence {
  const leaves = readLeafHashes(directory);
  if (header.seq >= size || size > leaves.length) {
    throw new LogError('invalid', `record ${header.seq} is not among the first ${size} of ${leaves.length} records`);
  }
  const leafAt = leafReader(leaves);
  return {
    header: writeHeader(header),
    size,
    rootHash: toBase64url(subtreeRoot(leafAt, 0, size)),
    proof: inclusionProof(leafAt, { index: header.seq, size }).map((step) => toBase64url(step)),
  };
}

/** Proves that the log of `from` records is a beginning of the log of `to` records. */
export function proveConsistency(directory: string, sizes: { from: number; to: number }): string[] {
  return consistencyProof(leafReader(readLeafHashes(directory)), sizes).map((step) => toBase64url(step));
}

/** Checks evidence against a root that is trusted for its size, such as a signed checkpoint's. */
export function checkInclusion(evidence: InclusionEvidence, trustedRootHash: string): boolean {
  const bytes = Buffer.from(evidence.header, 'latin1');
  const header = readHeader(bytes);
  if (header === undefined || evidence.rootHash !== trustedRootHash) return false;
  return verifyInclusion({
    leaf: leafHash(bytes),
    index: header.seq,
    size: evidence.size,
    proof: evidence.proof.map((step) => Buffer.from(step, 'base64url')),
    root: Buffer.from(trustedRootHash, 'base64url'),
  });
}

function leafReader(leaves: readonly Buffer[]) {
  return (index: number): Buffer => {
    const leaf = leaves[index];
    if (leaf === undefined) throw new RangeError(`there is no record ${index}`);
    return leaf;
  };
}
