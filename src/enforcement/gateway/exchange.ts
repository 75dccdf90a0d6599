import type { ClientSide } from './client-side.ts';
import type { ConnectionFacts, GatewayRequest } from './read-request.ts';
import type { Refusal } from './refusal.ts';

/** One request, upgrade or extended CONNECT, read and not yet judged. */
export interface Exchange {
  /** Read once, by the connection: the framing its body is read by is the framing that is judged and sent on. */
  readonly request: GatewayRequest | Refusal;
  readonly connection: ConnectionFacts;
  readonly client: ClientSide;
}
