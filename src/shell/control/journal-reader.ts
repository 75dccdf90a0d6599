import { keyring, LogError, type LogFilter, queryLog, tailLog } from '#evidence/log';
import { fromBase64url } from '#foundation/encoding';
import type { FactTable } from '#information/inventory';
import { localGatewayName } from '#shell/wire';
import { problem } from './api/problem.ts';
import type { EventReader, EventView } from './api/services.ts';
import { fewAtOnce } from './few-at-once.ts';

/** Each may read a good part of the journals. */
const questions = { runningMax: 4, waitingMax: 200 };

/** Those of this machine: what a gateway elsewhere sent under the id of one of their events hides none. */
const ownWriters: ReadonlySet<string> = new Set(['control', localGatewayName]);

/** Reads the journals of this machine with the keys the store has now: whoever was erased stays unreadable. */
export function createJournalReader(options: {
  readonly directory: string;
  readonly facts: FactTable;
  readonly onError: (error: unknown) => void;
}): EventReader & { close(): void } {
  const { directory, facts, onError } = options;
  let cached: { revision: number; ring: ReturnType<typeof keyring> } | undefined;
  const keys = () => {
    if (cached?.revision !== facts.revision) cached = { revision: facts.revision, ring: keyring(keysOf(facts)) };
    return cached.ring;
  };
  const few = fewAtOnce(questions);
  const listeners = new Set<(event: EventView) => void>();
  const stop = new AbortController();
  let isTailing = false;
  const tail = async () => {
    isTailing = true;
    try {
      for await (const record of tailLog({ directory, keys, signal: stop.signal })) {
        for (const listener of listeners) listener(record);
      }
    } catch (error) {
      onError(error);
      isTailing = false;
    }
  };
  return {
    query: async ({ since, until, classUid, user, resource, outcome, text, shadow, errors, order, limit, cursor }) => {
      const filter: LogFilter = {
        ...(since === undefined ? {} : { since }),
        ...(until === undefined ? {} : { until }),
        ...(classUid === undefined ? {} : { classUids: [classUid] }),
        ...(user === undefined ? {} : { user }),
        ...(resource === undefined ? {} : { resource }),
        ...(outcome === undefined ? {} : { outcome }),
        ...(text === undefined ? {} : { text }),
        ...(shadow === undefined ? {} : { shadow }),
        ...(errors === undefined ? {} : { errors }),
      };
      try {
        const { records, next } = await few(() =>
          queryLog({
            directory,
            keys: keys(),
            filter,
            order,
            limit,
            ...(cursor === undefined ? {} : { cursor }),
          }),
        );
        return { items: records, next };
      } catch (error) {
        if (error instanceof LogError && error.code === 'invalid') throw problem(400, 'invalid-cursor', error.message);
        throw error;
      }
    },
    find: async (id) => {
      const { records } = await few(() => queryLog({ directory, keys: keys(), filter: { id } }));
      return records.find(({ writer }) => ownWriters.has(writer)) ?? records[0];
    },
    tail: (listener) => {
      listeners.add(listener);
      if (!isTailing) void tail();
      return () => listeners.delete(listener);
    },
    close: () => stop.abort(),
  };
}

function* keysOf(facts: FactTable): Iterable<readonly [string, Uint8Array]> {
  for (const [subject, { key }] of facts.all('journal-key')) {
    const bytes = fromBase64url(key);
    if (bytes !== undefined) yield [subject, bytes];
  }
}
