import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SegmentView } from '../../api/shapes.ts';
import { segmentTree } from './segment-tree.ts';

const segment = (id: string, within: string | null): SegmentView => ({
  id,
  within,
  revision: 1,
  displayName: '',
  sensitivity: 'low',
  origin: 'api',
});

test('segmentTree() puts inner segments under outer ones', () => {
  const lines = segmentTree([segment('pci', 'restricted'), segment('restricted', null), segment('internal', null)]);
  assert.deepEqual(
    lines.map((line) => `${line.depth} ${line.segment.id}`),
    ['0 internal', '0 restricted', '1 pci'],
  );
});

test('segmentTree() shows every segment once, circles and orphans included', () => {
  const lines = segmentTree([segment('a', 'b'), segment('b', 'a'), segment('c', 'gone'), segment('d', 'd')]);
  assert.deepEqual(lines.map((line) => line.segment.id).toSorted(), ['a', 'b', 'c', 'd']);
});
