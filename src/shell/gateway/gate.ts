import type { LastAnswer, LiveStreams } from '#decision/administration';
import type { Exchange, ForwardHandle, ForwardOptions, GatewayRequest, Sweep, Upstreams } from '#enforcement/gateway';
import type { StrangerRequest, WrittenEvent } from '#evidence/log';
import type { FactView, Question, Remedy, Verdict } from '#foundation/model';
import type { PublicUrls } from '#shell/wire';
import type { Assertions } from './assertions.ts';
import type { Bearers, Identified } from './bearer.ts';
import type { CallControl } from './control-client.ts';
import type { CutEvents } from './cut-events.ts';
import type { Metrics } from './metrics.ts';
import type { Pdp } from './pdp/pdp.ts';
import type { SeenSessions } from './seen-sessions.ts';
import type { SignInTurns } from './sign-in-turns.ts';
import type { Site } from './sites.ts';

/** What the access flow needs from its process; put together once in main.ts. */
export interface Gate {
  readonly clock: () => number;
  /** A correlation id: 16 random bytes, base64url. */
  readonly newId: () => string;
  readonly urls: PublicUrls;
  readonly facts: FactView;
  /** Who bears which cookie by these facts. */
  readonly bearers: Bearers;
  readonly sites: () => ReadonlyMap<string, Site>;
  readonly isFreshFor: (sensitivity: Site['sensitivity']) => boolean;
  /** Can control be asked? Waits a little for one that is just starting again. */
  readonly isControlThere: () => Promise<boolean>;
  /** See judge(): `last` is what the same asker was answered before at the same app. */
  readonly judge: (question: Question, now: number, last?: LastAnswer) => Verdict;
  readonly remedies: (question: Question, now: number) => readonly Remedy[];
  /** Those of the verdict's words that say what a person can do. */
  readonly advice: (verdict: Verdict) => readonly string[];
  /** Resolves when the event is written; rejects when it cannot be, and then the answer is no. */
  readonly record: (event: WrittenEvent, options?: { readonly isReserved: boolean }) => Promise<void>;
  /** False from when the journal refused an event until it took one again. */
  readonly isJournalTaking: () => boolean;
  /**
   * Counts a stranger's request and gives how many like it there were lately: the journal gets one event for many, so that
   * strangers cannot fill the disk.
   */
  readonly countStranger: (request: StrangerRequest) => number;
  /** Running exchanges, so that they are judged again and cut. */
  readonly live: LiveStreams;
  /** Tells the journal of every cut. */
  readonly cuts: CutEvents;
  readonly call: CallControl;
  /** In what order strangers' calls reach control. */
  readonly signInTurns: SignInTurns;
  /** Answers enforcement points that are not this gateway. */
  readonly pdp: Pdp;
  readonly assertions: Assertions;
  readonly seen: SeenSessions;
  readonly upstreams: Upstreams;
  /** Sends a judged request to its app. */
  readonly forward: (options: ForwardOptions) => ForwardHandle;
  readonly sweep: Sweep;
  /** What proves this host to a public CA over plain HTTP, while an order is under way. */
  readonly acmeAnswer: (host: string, token: string) => string | undefined;
  readonly metrics: Metrics;
  /** Told about every throw, with the correlation id the client got. */
  readonly onFault: (error: unknown, id: string) => void;
}

/** A request that has been read, its site and its asker. */
export interface Asked {
  readonly exchange: Exchange;
  readonly id: string;
  readonly request: GatewayRequest;
  readonly site: Site;
  readonly identified: Identified;
  readonly now: number;
}

export interface Judged extends Asked {
  readonly question: Question;
  readonly verdict: Verdict;
}
