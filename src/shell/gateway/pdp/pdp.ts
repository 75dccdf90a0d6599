import type { AboutNeeds } from '#decision/administration';
import type { Exchange, GatewayRequest } from '#enforcement/gateway';
import type { Caller, Callers } from './caller.ts';
import type { KnownNames } from './known-names.ts';

/** The policy decision point of this process: what its calls need besides the gate. */
export interface Pdp {
  /** The reserved host where it answers on the public listeners. */
  readonly host: string;
  readonly callers: Callers;
  readonly names: KnownNames;
  /** What judging within a caller's scope needs, by the policies and facts of now. */
  readonly needsFor: (asked: { caller: Caller; isSearch: boolean; now: number }) => AboutNeeds;
  readonly policySequence: () => number;
  /** Seals page tokens. */
  readonly pageKey: () => Promise<Uint8Array>;
}

/** One call, its caller not yet known. */
export interface PdpCall {
  readonly exchange: Exchange;
  readonly request: GatewayRequest;
  /** Of the call; the first decision in it goes by the same. */
  readonly id: string;
  readonly now: number;
  /** The caller's `X-Request-ID`, given back as it came. */
  readonly requestId: string | undefined;
}

export interface KnownCall extends PdpCall {
  readonly caller: Caller;
}
