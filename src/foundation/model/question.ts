import type { EntityUid } from './entity-uid.ts';

/** Actions on apps. RFC 9110 safe methods read; DELETE deletes; an upgrade (WebSocket) connects; the rest writes. */
export type AccessAction = 'read' | 'write' | 'delete' | 'connect';

/** Actions of the administration API. */
export type AdminAction = 'administer-read' | 'administer-write';

/** Who asks, as established by the gateway or the control socket. Never taken from anything a client merely claims. */
export type Asker =
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'session'; readonly sessionId: string }
  | { readonly kind: 'token'; readonly tokenId: string }
  | { readonly kind: 'operator' };

/** One question put to the policy engine, before facts are gathered. */
export interface Question {
  readonly asker: Asker;
  readonly action: AccessAction | AdminAction;
  /** `App` for resources behind the gateway, `Service::"control"` for the administration API. */
  readonly resource: EntityUid;
  readonly request: RequestContext;
}

/** What the request itself says; attacker-controlled, but parsed and bounded. */
export interface RequestContext {
  readonly method: string;
  readonly host: string;
  /** The parsed path, percent-decoded segment by segment, joined by `/`. */
  readonly path: string;
  /** Label of the first matching route of the resource, `default` when none matches. */
  readonly route: string;
  /** The client's address as the gateway's socket saw it. */
  readonly address: string;
  readonly tls: boolean;
  /** For administration: the API noun (`session`, `policy` …); empty for apps. */
  readonly noun: string;
}
