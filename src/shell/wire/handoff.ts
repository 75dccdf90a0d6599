import type { JWK } from 'jose';

/**
 * What the supervisor gives a child over its IPC channel at birth, as the first message. Nothing secret travels in the
 * environment or in arguments. The child answers `{ type: 'ready' }` over the same channel once it serves.
 */
export type Handoff = SignerHandoff | ControlHandoff | GatewayHandoff;

/** `host:port`, resolved: port 0 has become a real port, or null when the listener is off. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** Where people and programs reach this installation; everything else derives from it. */
export interface PublicUrls {
  readonly domain: string;
  readonly appsDomain: string;
  /** `http:` when the domain is `localhost`, else `https:`. */
  readonly scheme: 'http' | 'https';
  /** Port to write in URLs, or null when it is the scheme's default. */
  readonly port: number | null;
}

export interface SignerHandoff {
  readonly type: 'signer';
  readonly dataDirectory: string;
  readonly rootKeyFile: string;
  readonly socketPath: string;
  /** Bearer token control must show. */
  readonly controlToken: string;
  /** What it may sign for: the issuer of tokens and the domains of certificates. */
  readonly urls: PublicUrls;
}

export interface ControlHandoff {
  readonly type: 'control';
  readonly dataDirectory: string;
  readonly configFile: string | null;
  /** `key=value` pairs from `nullius up --set`. */
  readonly overrides: readonly string[];
  readonly urls: PublicUrls;
  readonly sockets: { readonly admin: string; readonly gateway: string; readonly web: string; readonly signer: string };
  readonly signerToken: string;
  readonly gatewayToken: string;
  /** Where gateways on other machines follow; null: there are none. */
  readonly gatewaysListen: ListenAddress | null;
}

export interface GatewayHandoff {
  readonly type: 'gateway';
  readonly name: string;
  readonly dataDirectory: string;
  readonly urls: PublicUrls;
  readonly listen: {
    readonly plain: ListenAddress | null;
    readonly tls: ListenAddress | null;
    readonly operations: ListenAddress | null;
    readonly pdp: ListenAddress | null;
    readonly pdpTls: ListenAddress | null;
  };
  readonly control: /** On this machine: its gateway socket, and the web socket that serves `id` and `console`. */
    | { readonly socketPath: string; readonly webSocketPath: string; readonly token: string }
    /** On another, by mutual TLS; the identity file holds our key and what control is known by. `id` and `console` are served there. */
    | { readonly identityFile: string };
  /** Public keys of the signer: snapshots and policy manifests must verify under one of them. */
  readonly signerKeys: readonly JWK[];
  readonly tls: {
    readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
    /** A certificate of the operator's own, read by the supervisor; null: our CA issues one. */
    readonly certificate: { readonly chainPem: string; readonly keyPem: string } | null;
    /** Certificates come from a public CA by ACME; control runs the orders. */
    readonly acme: boolean;
    /** Connections one client address may hold. */
    readonly connectionsPerAddress: number;
  };
  readonly journalSync: 'interval' | 'before-answer';
  /** Older journal segments go. */
  readonly journalRetentionMs: number;
}

export type ChildMessage =
  | { readonly type: 'ready'; readonly detail?: Readonly<Record<string, unknown>> }
  | { readonly type: 'failed'; readonly message: string }
  /** Words for the operator's stderr, such as the first administrator's URL. */
  | { readonly type: 'notice'; readonly line: string };
export type SupervisorMessage = Handoff | { readonly type: 'stop' };
