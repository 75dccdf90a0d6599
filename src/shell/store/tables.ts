import type { IdentityTables } from './tables-identity.ts';

/**
 * Every table of the store. Columns are text, integer below 2^53 and blob only, so that one schema serves SQLite and
 * PostgreSQL; times are integer milliseconds; JSON is text.
 */
export interface StoreTables extends FactTables, IdentityTables {}

export interface FactTables {
  /** One row, `id` 1. Updating it is the first step of every commit, which puts commits in the order of their revisions. */
  head: {
    id: number;
    epoch: number;
    revision: number;
    /** Position of the newest outbox row. */
    outbox_position: number;
    /** Changes before and at this revision are no longer in the feed. */
    pruned_revision: number;
  };
  /** Names this installation: `instance_id`, `created_at`. */
  meta: { name: string; value: string };
  /** The facts that stand. */
  fact: { kind: string; id: string; revision: number; body: string };
  /** Every version within the retention; `to_revision` is null while it stands. */
  fact_version: { kind: string; id: string; from_revision: number; to_revision: number | null; body: string };
  /** The feed: which facts a revision touched. A fact without a version from that revision was removed there. */
  change: { revision: number; kind: string; id: string; time: number };
  /** Journal events that committed with facts and wait to be appended by `writer`. */
  outbox: { position: number; id: string; writer: string; revision: number; event: string };
  /** Keys that seal secrets, wrapped under the root key. */
  data_key: { id: string; purpose: string; wrapped: string; created_at: number };
  secret: { name: string; data_key_id: string; sealed: Uint8Array; updated_at: number };
}
