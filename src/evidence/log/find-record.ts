import { listSegments } from './segment-file.ts';
import { indexKey } from './segment-index.ts';
import { type SealedRecord, SegmentView } from './segment-view.ts';

/** Finds the record with this event id in one writer's journal, newest segments first. Undefined when it is not there, or pruned. */
export function findRecord(directory: string, id: string): SealedRecord | undefined {
  for (const found of findInSegments(directory, id)) if (found !== undefined) return found;
  return undefined;
}

/** findRecord() with a pause for whoever wants one after each segment (undefined: not in this one). Ends with the record. */
export function* findInSegments(directory: string, id: string): Generator<SealedRecord | undefined> {
  const key = indexKey(id);
  for (const file of listSegments(directory).reverse()) {
    if (file.isPruned) continue;
    const found = findIn(new SegmentView(directory, file), { id, key });
    yield found;
    if (found !== undefined) return;
  }
}

function findIn(view: SegmentView, { id, key }: { id: string; key: ReturnType<typeof indexKey> }) {
  try {
    for (const entry of view.index.withId(key)) {
      const record = view.record(entry);
      if (record.header.id === id) return record;
    }
    return undefined;
  } finally {
    view.close();
  }
}
