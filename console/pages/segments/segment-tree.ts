import type { SegmentView } from '../../api/shapes.ts';

export interface SegmentLine {
  readonly segment: SegmentView;
  readonly depth: number;
}

/** Segments in the order of a tree, outer before inner, each level by id. One in a circle, or in an unknown one, stands at the root. */
export function segmentTree(segments: readonly SegmentView[]): SegmentLine[] {
  const known = new Set(segments.map((segment) => segment.id));
  const byParent = Map.groupBy(
    segments.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    (segment) => (segment.within !== null && known.has(segment.within) ? segment.within : null),
  );
  const lines: SegmentLine[] = [];
  const seen = new Set<string>();
  const visit = (segment: SegmentView, depth: number) => {
    if (seen.has(segment.id)) return;
    seen.add(segment.id);
    lines.push({ segment, depth });
    for (const child of byParent.get(segment.id) ?? []) visit(child, depth + 1);
  };
  for (const root of byParent.get(null) ?? []) visit(root, 0);
  for (const segment of segments) visit(segment, 0);
  return lines;
}
