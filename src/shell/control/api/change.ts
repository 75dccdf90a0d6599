import type { FactWrite } from '../../store/index.ts';
import { StoreError } from '../../store/index.ts';
import { inCommits } from '../config-facts.ts';
import { describeFault } from '../describe-fault.ts';
import type { Caller } from './caller.ts';
import { type ChangeEvent, changeEvent } from './event.ts';
import { ApiProblem, problem } from './problem.ts';
import type { ApiServices } from './services.ts';

/** What a change writes, and what only its preparation could say of its event. */
export interface PreparedChange {
  readonly writes: readonly FactWrite[];
  readonly event: Partial<ChangeEvent>;
  /** A removed person whose past is dropped with it. */
  readonly forget?: string;
}

/**
 * One administrative change: facts and event commit together, and the answer waits until the event is in the journal and our own
 * facts show the change. What is too much for one commit is made in several (see inCommits), each with its event. `prepare` checks and gives what to write, from facts that no other change of this process can move
 * meanwhile; `expectedRevision` guards against other processes. Throws ApiProblem for what the caller can mend.
 */
export async function change(
  services: ApiServices,
  caller: Caller,
  options: ChangeEvent & {
    prepare(): Promise<readonly FactWrite[] | PreparedChange> | readonly FactWrite[] | PreparedChange;
  },
): Promise<void> {
  const { prepare, ...described } = options;
  await services.serially(async () => {
    try {
      const prepared = await prepare();
      const { writes, event, forget }: PreparedChange =
        'writes' in prepared ? prepared : { writes: prepared, event: {} };
      const parts = inCommits(writes);
      // What changes nothing is told too.
      for (const [at, part] of (parts.length === 0 ? [[]] : parts).entries()) {
        const isLast = at + 1 >= parts.length;
        const told = partOf({ ...described, ...event }, { at, count: parts.length });
        const { revision } = await services.store.transaction(async (transaction) => {
          await transaction.write(part);
          if (forget !== undefined && isLast) await transaction.forgetPerson(forget);
          await transaction.emit([changeEvent(services, { caller, change: told })]);
        });
        await settle(services, revision);
      }
    } catch (error) {
      throw toProblem(error);
    }
  });
}

/** What is told of one commit of several. */
function partOf(change: ChangeEvent, { at, count }: { at: number; count: number }): ChangeEvent {
  if (count < 2) return change;
  const more = change.comment === undefined ? '' : `; ${change.comment}`;
  return { ...change, comment: `part ${at + 1} of ${count}${more}` };
}

/** Waits until committed events are journalled and our facts hold the revision. */
export async function settle(services: Pick<ApiServices, 'deliverOutbox' | 'reach'>, revision: number): Promise<void> {
  await services.reach(revision);
  try {
    await services.deliverOutbox();
  } catch {
    throw problem(
      503,
      'journal',
      'the change is made, but its event could not be written to the journal yet; check the disk',
    );
  }
}

function toProblem(error: unknown): unknown {
  if (error instanceof ApiProblem || !(error instanceof StoreError)) return error;
  if (error.code === 'conflict') {
    return problem(409, 'conflict', 'somebody else changed it at the same moment; look again, then repeat');
  }
  if (error.code === 'invalid') return problem(400, 'invalid', error.message);
  const fault = describeFault(error);
  return fault === undefined ? error : problem(fault.status, fault.code, `nothing was changed: ${fault.detail}`);
}

/** Checks `If-Match` against the revision a fact stands at. */
export function checkRevision(ifMatch: number | undefined, revision: number): void {
  if (ifMatch !== undefined && ifMatch !== revision) {
    throw problem(
      412,
      'precondition',
      `it is at revision ${revision} now, you had ${ifMatch}; look at the change, then repeat`,
    );
  }
}

/** What came from the configuration file is changed there. */
export function checkOrigin(origin: string, words: string): void {
  if (origin === 'config') {
    throw problem(
      409,
      'config-origin',
      `${words} comes from the configuration file; change it there, it takes effect at once`,
    );
  }
  if (origin === 'builtin') throw problem(409, 'builtin', `${words} belongs to Nullius itself and stays as it is`);
}
