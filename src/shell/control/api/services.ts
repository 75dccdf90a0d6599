import type { PublicationStatement, PublishedPolicies } from '#decision/administration';
import type { LogRecord } from '#evidence/log';
import type { Clock, JournalEvent, RandomBytes } from '#foundation/model';
import type { FactTable } from '#information/inventory';
import type { ListenAddress, PublicUrls, SignerCalls } from '#shell/wire';
import type { Store } from '../../store/index.ts';
import type { InvariantCheck } from '../gates.ts';
import type { GatewayState } from '../gateway-reports.ts';
import type { ReceivedJournal } from '../gateways/journal-copies.ts';
import type { PolicyParser } from '../policy-parser/policy-parser.ts';
import type { Proofs } from '../proofs/proofs.ts';

/** What identity does for the API; each call is a transaction of its own, with its events. `by` is an entity uid in Cedar syntax. */
export interface IdentityService {
  createInvitation(
    request: {
      readonly name?: string;
      readonly displayName?: string;
      readonly email?: string;
      readonly groups: readonly string[];
      readonly admin: boolean;
      readonly lifetimeMs: number;
    },
    by: string,
  ): Promise<{ id: string; url: string; expiresAt: number }>;
  listInvitations(): Promise<readonly Invitation[]>;
  removeInvitation(id: string, by: string): Promise<boolean>;
  createToken(request: NewToken, by: string): Promise<{ id: string; token: string }>;
  /** A token that is shown by proving to hold a key, in place of a value. */
  createKeyCaller(request: NewToken & { readonly keyHash: string }, by: string): Promise<{ id: string }>;
  /** Ends every session of a person, with what hangs on them, however many there are. */
  endSessions(user: string, options: { readonly reason: string; readonly by: string }): Promise<number>;
  /** Could this user sign in at all: by a passkey here, or through their own provider? */
  canSignIn(user: string): Promise<boolean>;
  /** How many passkeys each of these users has here; 0 for those who sign in elsewhere. */
  passkeyCounts(users: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** Removes a person's private rows (passkeys, recovery codes); facts are removed by the caller. */
  forgetUser(user: string, by: string): Promise<void>;
}

export interface NewToken {
  readonly label: string;
  readonly owner: { readonly type: 'User' | 'Workload'; readonly id: string };
  readonly scopes: readonly string[];
  readonly lifetimeMs: number;
}

export interface Invitation {
  readonly id: string;
  readonly name: string | null;
  readonly displayName: string | null;
  readonly groups: readonly string[];
  readonly admin: boolean;
  readonly createdBy: string;
  readonly createdAt: number;
  readonly expiresAt: number;
}

/** One event as the API tells it. */
export type EventView = LogRecord;

export interface EventQuery {
  readonly since?: number;
  readonly until?: number;
  readonly classUid?: number;
  readonly user?: string;
  readonly resource?: string;
  readonly outcome?: 'success' | 'failure';
  readonly text?: string;
  /** What policies that were not in force would have made of it. */
  readonly shadow?: 'allow' | 'deny' | 'any';
  /** Only those during which a policy failed. */
  readonly errors?: 'any';
  readonly order: 'newest-first' | 'oldest-first';
  readonly limit: number;
  /** `next` of a page of the same order. */
  readonly cursor?: string;
}

/** Reading the journals of this installation. */
export interface EventReader {
  query(query: EventQuery): Promise<{ items: readonly EventView[]; next: string | null }>;
  find(id: string): Promise<EventView | undefined>;
  /** Calls back for every event written from now on. Returns the end of it. */
  tail(onEvent: (event: EventView) => void): () => void;
}

export interface ConfigStatus {
  readonly file: string | null;
  readonly state: 'ok' | 'refused';
  readonly problem: string | null;
  readonly loadedAt: number;
  /** Keys that were changed since the start and take effect after a restart. */
  readonly restart: readonly string[];
  /** Do policies come from a folder that the configuration names? Then they are published from there only. */
  readonly ownsPolicies: boolean;
}

/** Everything a route may use. */
export interface ApiServices {
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly version: string;
  readonly urls: PublicUrls;
  /** Current facts: always those of the newest commit a change has waited for. */
  readonly facts: FactTable;
  readonly store: Store;
  /** Waits until this process' facts hold a revision. */
  readonly reach: (revision: number) => Promise<void>;
  readonly policies: () => PublishedPolicies | null;
  readonly parser: PolicyParser;
  /** For sets that nobody publishes: who may only read policies must not keep `parser` from who publishes. */
  readonly draftParser: PolicyParser;
  /** Runs administrative changes one after the other, so that what one has checked still holds when it writes. */
  readonly serially: <T>(work: () => Promise<T>) => Promise<T>;
  /** Brings committed events from the outbox into the journal; resolves when all that were there are written. */
  readonly deliverOutbox: () => Promise<void>;
  /** Events that belong to no transaction, such as denials. */
  readonly emit: (event: JournalEvent, options?: { readonly isReserved: boolean }) => Promise<void>;
  readonly events: EventReader;
  /** The folder of all journals of this machine, for who replays them. */
  readonly journalDirectory: string;
  readonly identity: IdentityService;
  readonly signPublication: (statement: PublicationStatement) => Promise<string>;
  /** What is so for all requests, and what is known of it already. */
  readonly proofs: Proofs;
  /** Proves invariants before they are published. */
  readonly checkInvariants?: InvariantCheck;
  /** The signer's keys, public halves and what is known about each. */
  readonly signerKeys: {
    list(): Promise<SignerCalls['keys']['answer']>;
    rotate(request: SignerCalls['rotate-token-key']['request']): Promise<SignerCalls['keys']['answer']>;
  };
  /** Has the signer wrap a data key under its newest root key. */
  readonly rewrapDataKey: (purpose: string, wrapped: string) => Promise<string>;
  readonly configStatus: () => ConfigStatus;
  /** What gateways on other machines need to join: where control listens for them, and the hash of its CA's certificate. */
  readonly peers: { readonly listen: ListenAddress | null; caHash(): Promise<string> };
  /** The gateways as they are at this moment. */
  readonly gateways: () => readonly GatewayState[];
  /** How far the journal of a gateway on another machine came here; null when it sent nothing yet. */
  readonly receivedJournal: (gateway: string) => ReceivedJournal | null;
  readonly processes: () => readonly {
    readonly name: string;
    readonly state: 'up' | 'down';
    readonly detail: string | null;
  }[];
}
