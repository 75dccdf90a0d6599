import type { JWK } from 'jose';
import type { FactRow } from '#foundation/model';
import type { PublicUrls } from './handoff.ts';

/**
 * HTTP/1.1 over control's gateway socket (or mutual TLS between machines), `Authorization: Bearer <gatewayToken>`.
 *
 * `GET /follow?epoch=E&revision=R` answers NDJSON frames for as long as both live. Without a usable position it starts
 * with a signed snapshot. Calls are `POST /call/<name>` with a JSON body; a refusal is an RFC 9457 problem.
 */
export type FollowFrame =
  /** Opens a full copy. `statement` is a compact JWS by the signer over SnapshotStatement. */
  | { readonly type: 'snapshot'; readonly statement: string }
  | { readonly type: 'fact'; readonly fact: FactRow }
  | { readonly type: 'snapshot-end' }
  /** All facts of one committed transaction. */
  | { readonly type: 'change'; readonly revision: number; readonly facts: readonly FactRow[] }
  /** Sent every second and at once after the hello: renews the lease, for `leaseMs` from now on. */
  | { readonly type: 'heartbeat'; readonly epoch: number; readonly revision: number; readonly leaseMs: number };

/** No heartbeat may give a longer lease, whatever control says. */
export const leaseMsMax = 3_600_000;

/** Signed content of a snapshot: `digest` is SHA-256 (base64url) over the canonical JSON of the facts in order, each followed by a newline. */
export interface SnapshotStatement {
  readonly epoch: number;
  readonly revision: number;
  readonly factCount: number;
  readonly digest: string;
}

/** Assertions of one call: with as many groups as people may have, their answer stays below the bound of answers. */
export const assertionsPerCallMax = 32;

/** The gateway's calls to control, by name. */
export interface GatewayCalls {
  /** Begin sign-in for an app host: where to send the browser, and the sealed flow cookie to set. */
  'sign-in/begin': {
    request: {
      readonly resource: string;
      readonly returnTo: string;
      /** Ask the provider for a fresh proof (`max_age=0`), or a particular credential. */
      readonly fresh: boolean;
    };
    answer: { readonly location: string; readonly flow: string; readonly flowLifetimeMs: number };
  };
  /** Finish it: `callbackUrl` is the full URL the browser came back with (attacker-controlled). */
  'sign-in/finish': {
    request: {
      readonly resource: string;
      readonly callbackUrl: string;
      readonly flow: string;
      readonly userAgent: string;
      readonly address: string;
    };
    answer: { readonly cookie: string; readonly returnTo: string };
  };
  /** Ends the session behind an app cookie (by hash) everywhere. */
  'sign-out': { request: { readonly cookieHash: string }; answer: { readonly location: string } };
  /** Rotates an app cookie: a new opaque value; the old one stays valid until the new one was used, and a short grace. */
  'cookie/rotate': {
    request: { readonly cookieHash: string };
    answer: { readonly cookie: string };
  };
  /** The newest value of a rotated app cookie was used for the first time. */
  'cookie/confirm': { request: { readonly cookieHash: string }; answer: Record<string, never> };
  /** JWTs for upstreams, at most 60 s old: `Nullius-Assertion`. The answers stand in the order of what is asked. */
  assertions: {
    request: { readonly asked: readonly { readonly sessionId: string; readonly resource: string }[] };
    answer: {
      readonly made: readonly (
        | { readonly jwt: string; readonly expiresAt: number }
        | { readonly status: number; readonly refused: string }
      )[];
    };
  };
  /** Sessions used since the last call, with the newest time: keeps idle expiry honest. */
  'session/seen': {
    request: { readonly sessions: readonly { readonly id: string; readonly at: number }[] };
    answer: Record<string, never>;
  };
  /** How the gateway is, every few seconds: what is open by app, and how far its facts are. */
  report: {
    request: GatewayReport;
    answer: {
      /** Keys that verify assertions now: what another one signed is worth nothing any more. */
      readonly tokenKeyIds: readonly string[];
    };
  };
  /** Ask for just-in-time access from the refusal page. */
  'grant/request': {
    request: { readonly sessionId: string; readonly resource: string; readonly reason: string };
    answer: { readonly grantId: string };
  };
  /** For a gateway on another machine: do certificates come from a public CA by ACME? Its own configuration does not say. */
  'certificate/source': { request: Readonly<Record<string, never>>; answer: { readonly acme: boolean } };
  /** A TLS certificate for the gateway's own key: PKCS#10 in, PEM chain out. */
  'certificate/issue': {
    request: { readonly csrPem: string; readonly names: readonly string[] };
    answer: { readonly chainPem: string; readonly notAfter: number };
  };
  /**
   * While an ACME order of this gateway runs: what to show for which host until it is gone from the answer. Asked twice a second while
   * `certificate/issue` is under way; asking says that what was answered before is shown now.
   */
  'certificate/challenges': {
    request: { readonly shown: readonly string[] };
    answer: { readonly challenges: readonly GatewayChallenge[] };
  };
  /** For a gateway on another machine: a fresh certificate over its key, before the present one ends. */
  'gateway/renew': { request: { readonly csrPem: string }; answer: EnrolmentAnswer };
  /** What seals page tokens of PDP searches (base64url): the same for every gateway, and after every restart. */
  'pdp/page-key': { request: Record<string, never>; answer: { readonly key: string } };
  /** A signed checkpoint over the gateway's journal: of the very gateway that asks. */
  'journal/checkpoint': {
    request: { readonly writer: string; readonly size: number; readonly rootHash: string; readonly time: number };
    answer: { readonly note: string };
  };
  /**
   * For a gateway on another machine: takes the next records of its journal, then a checkpoint over all that came, and says how far control
   * has it. Without either it only says so.
   */
  'journal/ship': { request: JournalShipment; answer: JournalPosition };
}

/** A piece of a gateway's journal on its way to control. */
export interface JournalShipment {
  /** Whole frames as they lie in the segment that begins with record `segment`; base64. */
  readonly records: { readonly segment: number; readonly seq: number; readonly frames: string } | null;
  readonly checkpoint: {
    readonly writer: string;
    readonly size: number;
    readonly rootHash: string;
    readonly time: number;
    readonly note: string;
  } | null;
}

/** How far control has the journal of a gateway. */
export interface JournalPosition {
  readonly size: number;
  readonly segment: number;
  readonly signed: { readonly size: number; readonly rootHash: string } | null;
}

/** Frames of one shipment: with the largest event there can be, they stay below the bound of bodies. */
export const shippedBytesMax = 512 * 1024;

/** What a gateway on another machine is given when it joins, and anew at each renewal. */
export interface EnrolmentAnswer {
  readonly name: string;
  /** Its certificate and the CA's (PEM). */
  readonly chainPem: string;
  readonly caPem: string;
  /** Public keys of the signer: snapshots and policy manifests must verify under one of them. */
  readonly statementKeys: readonly JWK[];
  readonly urls: PublicUrls;
}

/** What a gateway says about itself. */
export interface GatewayReport {
  readonly version: string;
  readonly epoch: number;
  readonly revision: number;
  /** Open requests, WebSockets and event streams by app. */
  readonly open: readonly { readonly resource: string; readonly count: number }[];
  /** Its policy decision point: the listeners for its machine and for certificates, if on, and when callers (by token) were last answered. */
  readonly pdp?: {
    readonly url: string | null;
    readonly mutualTlsUrl?: string | null;
    readonly callers: readonly { readonly token: string; readonly at: number }[];
  };
}

/** Name of the gateway that `nullius up` runs on the machine of control. */
export const localGatewayName = 'gateway-1';

/** An ACME challenge that the gateway answers; `id` is unique to it. */
export type GatewayChallenge = { readonly id: string; readonly host: string } & (
  | {
      /** RFC 8737: for this SNI with ALPN `acme-tls/1`, this certificate. */
      readonly type: 'tls-alpn-01';
      readonly certificatePem: string;
      readonly keyPem: string;
    }
  | {
      /** RFC 8555 section 8.3: `/.well-known/acme-challenge/<token>` over plain HTTP answers with this text. */
      readonly type: 'http-01';
      readonly token: string;
      readonly keyAuthorization: string;
    }
);
