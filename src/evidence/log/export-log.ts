import type { Keyring } from './journal-keys.ts';
import type { LogFilter } from './log-filter.ts';
import { toOcsf } from './ocsf-event.ts';
import { type Positions, scanLog } from './query-log.ts';

export interface ExportOptions {
  readonly directory: string;
  readonly keys: Keyring;
  readonly filter?: LogFilter;
  /** `ocsf`: complete OCSF events. `record`: as queryLog() gives them. */
  readonly format: 'ocsf' | 'record';
  /** Version of this program, for `metadata.product`. */
  readonly productVersion: string;
}

const pageRecords = 500;

/** Gives one line of JSON (without newline) per matching record, oldest first, in bounded memory. */
export async function* exportLog(options: ExportOptions): AsyncGenerator<string> {
  const { directory, keys, filter = {}, format, productVersion } = options;
  let positions: Positions = {};
  for (let isAtEnd = false; !isAtEnd; ) {
    const page = await scanLog({ directory, keys, filter, order: 'oldest-first', limit: pageRecords, positions });
    for (const record of page.records) {
      yield JSON.stringify(format === 'ocsf' ? toOcsf(record, { productVersion }) : record);
    }
    positions = page.positions;
    isAtEnd = page.isAtEnd;
  }
}
