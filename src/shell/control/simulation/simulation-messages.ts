import type { SimulationParts } from '#decision/analysis';
import type { FactRow, Publication, RehearsalProgress } from '#foundation/model';

/** A policy set with its parsed form. */
export type ShippedSet = Pick<Publication, 'sequence' | 'schema' | 'policies' | 'parsed' | 'states'>;

/** What the thread is given when it starts. */
export interface SimulationWork {
  /** The folder of all journals. */
  readonly directory: string;
  /** Keys of subjects, by which their records open. */
  readonly keys: readonly (readonly [subject: string, key: Uint8Array])[];
  readonly since: number;
  readonly until: number;
  readonly epoch: number;
  readonly firstRevision: number;
  readonly rows: readonly FactRow[];
  /** Publications whose decisions can be checked. */
  readonly before: readonly ShippedSet[];
  readonly after: ShippedSet;
  readonly decisionsMax: number;
  /** Which part of the journal's segments is this thread's. */
  readonly share: { readonly index: number; readonly of: number };
}

/** Then it is told what changed, in order, and at last to begin. */
export type ToSimulation =
  | {
      readonly type: 'changes';
      readonly changes: readonly { readonly revision: number; readonly facts: readonly FactRow[] }[];
    }
  | { readonly type: 'begin' };

export type FromSimulation =
  | RehearsalProgress
  | {
      readonly type: 'parts';
      readonly parts: SimulationParts;
      /** False: there were more decisions than are replayed. */
      readonly isComplete: boolean;
      /** Newest revision of facts that could be held. */
      readonly lastRevision: number;
    }
  | { readonly type: 'failed'; readonly words: string };
