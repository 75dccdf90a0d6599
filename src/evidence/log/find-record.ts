import { listSegments } from './segment-file.ts';
import { indexKey } from './segment-index.ts';
import { type SealedRecord, SegmentView } from './segment-view.ts';

/** Finds the record with this event id in one writer's journal, newest segments first. Undefined when it is not there, or pruned. */
export function findRecord(directory: string, id: string): SealedRecord | undefined {
  const key = indexKey(id);
  for (const file of listSegments(directory).reverse()) {
    if (file.isPruned) continue;
    const view = new SegmentView(directory, file);
    try {
      for (const entry of view.index.withId(key)) {
        const record = view.record(entry);
        if (record.header.id === id) return record;
      }
    } finally {
      view.close();
    }
  }
  return undefined;
}
