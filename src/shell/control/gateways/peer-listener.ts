import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { keyHashOf } from '#foundation/crypto';
import type { FactTable } from '#information/inventory';
import { makeKeyAndRequest } from '#shell/enrolment';
import { controlPeerName, gatewayOfAltName, type ListenAddress } from '#shell/wire';
import {
  type CallProblem,
  type GatewayPeer,
  type GatewaySocketOptions,
  gatewayRequestLimits,
  readBody,
  sendProblem,
  serveGateway,
} from '../gateway-socket.ts';
import { UnprovenConnections } from './unproven-connections.ts';

const connectionsMax = 2_000;
/** Of one gateway, whose own pool is 16 and a stream; the oldest makes room, so that one which was taken over keeps nobody out. */
const connectionsOfOneMax = 64;
/** Calls of one gateway under way at once; many may come on one connection. */
const callsOfOneMax = 64;
const handshakeMsMax = 10_000;
/** The listener's certificate lives 25 hours. */
const renewMs = 8 * 3_600_000;
const retryMs = 60_000;

interface PeerListenerNeeds {
  readonly address: ListenAddress;
  readonly gateways: Omit<GatewaySocketOptions, 'peerOf'>;
  readonly facts: FactTable;
  /** Certificate of the CA that control and gateways know each other by. */
  readonly caPem: string;
  /** Has the signer issue control's certificate. */
  readonly issueCertificate: (csrPem: string) => Promise<{ readonly chainPem: string }>;
  /** `POST /enrol`, for those who have no certificate yet; what it throws becomes a problem. `address` is the client's. */
  readonly enrol: (body: unknown, address: string) => Promise<unknown>;
}

interface KnownPeer extends GatewayPeer {
  readonly keyHash: string;
}

/**
 * Serves gateways on other machines over mutual TLS. A certificate says which gateway it is, the facts say at every request
 * whether that gateway and that very key still count; when they stop to, its connections end at once. Who shows no certificate
 * may ask to be enrolled and nothing else.
 */
export async function startPeerListener(needs: PeerListenerNeeds): Promise<{ port: number; close(): Promise<void> }> {
  const { facts, caPem, gateways } = needs;
  const peers = new Map<TLSSocket, KnownPeer>();
  const isKnown = ({ name, keyHash }: KnownPeer) => {
    const gateway = facts.get('gateway', name);
    return gateway?.status === 'active' && gateway.keyHash === keyHash;
  };
  const peerOf = (request: IncomingMessage): GatewayPeer | CallProblem => {
    const peer = peers.get(request.socket as TLSSocket);
    if (peer === undefined)
      return { status: 401, code: 'unauthenticated', detail: 'a gateway shows its certificate; join first' };
    if (isKnown(peer)) return { name: peer.name };
    return {
      status: 403,
      code: 'gateway-removed',
      detail: `control does not know the gateway \`${peer.name}\` any more`,
    };
  };
  const options: GatewaySocketOptions = { ...gateways, peerOf };
  const underWay = new Map<string, number>();
  const tls = async () => {
    const { keyPem, csrPem } = makeKeyAndRequest([controlPeerName]);
    const { chainPem } = await needs.issueCertificate(csrPem);
    return { key: keyPem, cert: chainPem };
  };
  const server = createServer(
    {
      ...gatewayRequestLimits,
      ...(await tls()),
      ca: caPem,
      minVersion: 'TLSv1.3',
      handshakeTimeout: handshakeMsMax,
      requestCert: true,
      // Who joins has none yet; whoever shows one that does not verify is cut before a byte of theirs is read.
      rejectUnauthorized: false,
    },
    (request, response) => {
      const keyHash = peers.get(request.socket as TLSSocket)?.keyHash;
      const place = keyHash === undefined || takePlace(underWay, { keyHash, response });
      if (place) void answer(request, { response, options, needs });
      else sendProblem(response, { status: 429, code: 'busy', detail: `${callsOfOneMax} calls at a time` });
    },
  );
  server.maxConnections = connectionsMax;
  const unproven = new UnprovenConnections();
  server.on('connection', (socket: Socket) => unproven.add(socket));
  server.on('secureConnection', (socket: TLSSocket) => {
    const peer = knownPeer(socket);
    if (peer === 'refused') return void socket.destroy();
    if (peer === undefined) return;
    if (isKnown(peer)) unproven.prove(socket);
    // By its key: one that was removed shares its name with whoever has it now, and no place.
    const ofSameKey = [...peers].filter(([, { keyHash }]) => keyHash === peer.keyHash);
    if (ofSameKey.length >= connectionsOfOneMax) ofSameKey[0]?.[0].destroy();
    peers.set(socket, peer);
    socket.once('close', () => peers.delete(socket));
  });
  const stopWatching = facts.onChange((changes) => {
    if (!changes.some(({ kind }) => kind === 'gateway')) return;
    for (const [socket, peer] of peers) if (!isKnown(peer)) socket.destroy();
  });
  const timer = keepCertificateFresh(server, { tls, ca: caPem, onError: gateways.onError });
  server.listen(needs.address.port, needs.address.host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      clearTimeout(timer.current);
      stopWatching();
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Counts what is under way for one gateway until it is answered. False: too much. */
function takePlace(
  underWay: Map<string, number>,
  { keyHash, response }: { keyHash: string; response: ServerResponse },
): boolean {
  const count = underWay.get(keyHash) ?? 0;
  if (count >= callsOfOneMax) return false;
  underWay.set(keyHash, count + 1);
  response.once('close', () => {
    const left = (underWay.get(keyHash) ?? 1) - 1;
    if (left === 0) underWay.delete(keyHash);
    else underWay.set(keyHash, left);
  });
  return true;
}

/** undefined: no certificate was shown. The chain was verified by TLS; the name in it is read strictly. */
function knownPeer(socket: TLSSocket): KnownPeer | 'refused' | undefined {
  const raw = socket.getPeerCertificate().raw;
  if (raw === undefined) return undefined;
  if (!socket.authorized) return 'refused';
  const certificate = new X509Certificate(raw);
  const name = gatewayOfAltName(certificate.subjectAltName);
  return name === undefined ? 'refused' : { name, keyHash: keyHashOf(certificate) };
}

function keepCertificateFresh(
  server: Server,
  {
    tls,
    ca,
    onError,
  }: { tls: () => Promise<{ key: string; cert: string }>; ca: string; onError: (error: unknown) => void },
): { current: NodeJS.Timeout } {
  const renew = (afterMs: number): NodeJS.Timeout =>
    setTimeout(() => {
      tls().then(
        (fresh) => {
          server.setSecureContext({ ...fresh, ca, minVersion: 'TLSv1.3' });
          timer.current = renew(renewMs);
        },
        (error: unknown) => {
          onError(error);
          timer.current = renew(retryMs);
        },
      );
    }, afterMs).unref();
  const timer = { current: renew(renewMs) };
  return timer;
}

async function answer(
  request: IncomingMessage,
  { response, options, needs }: { response: ServerResponse; options: GatewaySocketOptions; needs: PeerListenerNeeds },
): Promise<void> {
  if (request.url !== '/enrol') return serveGateway(request, response, options);
  try {
    if (request.method !== 'POST')
      return sendProblem(response, { status: 405, code: 'method', detail: 'a gateway joins by POST' });
    const enrolled = await needs.enrol(await readBody(request), request.socket.remoteAddress ?? '');
    response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
    response.end(JSON.stringify(enrolled));
  } catch (error) {
    const problem = options.describe(error);
    if (problem === undefined) options.onError(error);
    sendProblem(
      response,
      problem ?? { status: 500, code: 'internal', detail: 'control could not do it; its log says why' },
    );
  }
}
