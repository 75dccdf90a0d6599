import type { Asker, EntityUid, User } from '#foundation/model';

/** Who calls the API, established by the socket, a verified assertion or a token's hash. */
export interface Caller {
  readonly asker: Asker;
  readonly uid: EntityUid;
  /** The person: of the session, or the owner of the token. */
  readonly user: { readonly id: string; readonly body: User } | null;
  readonly sessionId: string | null;
  readonly tokenId: string | null;
  readonly isOperator: boolean;
  /** The client's address as the gateway saw it; empty on the local socket. */
  readonly address: string;
  /** The gateway's decision id, which finds its event; null on the local socket. */
  readonly correlationId: string | null;
}
