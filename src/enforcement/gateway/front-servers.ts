import { createServer, type Server, type Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import type { Clock } from '#foundation/model';
import { ConnectionCounts } from './connection-counts.ts';
import { connectionFactsOf } from './connection-facts.ts';
import type { Exchange } from './exchange.ts';
import { AnswerDate } from './http1/answer-date.ts';
import { ClientConnection, type ConnectionNeeds } from './http1/client-connection.ts';
import { createTlsServer } from './http2-server.ts';
import { clientConnectionsMax, clientConnectionsPerAddressMax } from './limits.ts';
import { OpenConnections } from './open-connections.ts';
import type { Sweep } from './sweep.ts';

export interface FrontServersOptions {
  /** Takes every exchange of both servers. What it throws ends that exchange's connection, nothing else. */
  readonly onExchange: (exchange: Exchange) => void;
  /** TLS context for a server name (lower-case), or undefined: the handshake then fails. Null makes no TLS server. */
  readonly contextFor: ((servername: string) => SecureContext | undefined) | null;
  /** The certificate that answers a validator of ACME for this server name; without one `acme-tls/1` is not spoken. */
  readonly challengeFor?: ((servername: string) => SecureContext | undefined) | undefined;
  /** TLS 1.3 unless a setting allows 1.2. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
  /** The TLS server asks clients for a certificate. Never where browsers come: they would ask the person for one. */
  readonly asksForCertificate?: boolean;
  /** Connections one client address may hold, over both servers; those of this machine are not counted. */
  readonly connectionsPerAddressMax?: number;
  /** Told about protocol errors and limits hit, for metrics. */
  readonly onTrouble?: (code: string) => void;
  /** Looks after connections that wait too long. */
  readonly sweep: Sweep;
  /** For the `Date` of answers that have none. */
  readonly clock: Clock;
}

export interface FrontServers {
  /** HTTP/1.1 only; the caller listens, on loopback. */
  readonly plain: Server;
  readonly tls: Server | null;
  /** Stops accepting, tells clients to go elsewhere, lets running exchanges end, destroys what is left after `graceMs`. */
  close(graceMs: number): Promise<void>;
}

/** Makes the client-facing servers with every limit set. Nothing listens yet. */
export function createFrontServers(options: FrontServersOptions): FrontServers {
  const { onExchange, contextFor, sweep } = options;
  const onTrouble = options.onTrouble ?? (() => {});
  const open = new OpenConnections();
  const needs: ConnectionNeeds = {
    onExchange,
    onTrouble,
    onGone: (connection) => open.deleteHttp1(connection),
    onTunnel: (tunnel, onGoingAway) => open.addTunnel(tunnel, onGoingAway),
    sweep,
    date: new AnswerDate(options.clock, sweep),
  };
  const onHttp1 = (socket: Socket) => {
    open.addHttp1(new ClientConnection(socket, { facts: connectionFactsOf(socket), needs }));
  };
  const tlsServer =
    contextFor === null
      ? null
      : createTlsServer({
          onExchange,
          onHttp1,
          open,
          contextFor,
          challengeFor: options.challengeFor,
          minVersion: options.minVersion ?? 'TLSv1.3',
          asksForCertificate: options.asksForCertificate ?? false,
          onTrouble,
        });
  const counts = new ConnectionCounts(options.connectionsPerAddressMax ?? clientConnectionsPerAddressMax);
  /** Accepts connections, and gives on those that there is room for: one too many costs neither a handshake nor a parser. */
  const acceptor = (giveOn: (socket: Socket) => void, allowHalfOpen: boolean) => {
    const server = createServer({ noDelay: true, allowHalfOpen }, (socket) => {
      const leave = counts.enter(socket.remoteAddress ?? '');
      if (leave === null) {
        onTrouble('address-connections');
        socket.on('error', () => {});
        // A reset leaves nothing behind here, as a connection closed in order would for a minute.
        socket.resetAndDestroy();
        return;
      }
      open.addSocket(socket, leave);
      giveOn(socket);
    });
    server.maxConnections = clientConnectionsMax;
    // One connection could not be accepted (no file descriptor left, say): unheard, it would end the process.
    server.on('error', () => onTrouble('accept'));
    return server;
  };
  // A client that has sent its last byte can still be told what was wrong with it.
  const plain = acceptor(onHttp1, true);
  const tls = tlsServer === null ? null : acceptor((socket) => tlsServer.emit('connection', socket), false);
  const servers = tls === null ? [plain] : [plain, tls];
  return { plain, tls, close: (graceMs) => open.end(servers, graceMs) };
}
