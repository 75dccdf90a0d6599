import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createCleartextServer, createFrontServers, type Exchange, isRefusal } from '#enforcement/gateway';
import type { GatewayHandoff, ListenAddress } from '#shell/wire';
import type { ServerCertificates } from '../certificates.ts';
import type { Gate } from '../gate.ts';
import { answerError } from './answer.ts';
import { servePdp } from './serve-pdp.ts';

const closeGraceMs = 1_000;

export interface PdpListener {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Opens the listener for enforcement points on this machine: HTTP/1.1, and HTTP/2 by prior knowledge, which gRPC speaks. Whatever Host
 * they send means the PDP; that they are let in is their token's doing, not the address's.
 */
export async function openPdpListener(gate: Gate, address: ListenAddress): Promise<PdpListener> {
  const server = createCleartextServer({
    onExchange: (exchange) => void serve(gate, exchange, origin),
    sweep: gate.sweep,
    clock: gate.clock,
    onTrouble: (code) => gate.metrics.count(`nullius_protocol_trouble_total{code="${code}"}`),
  });
  const port = await server.listen(address);
  const origin = pdpOrigin({ host: address.host, port });
  return { port, close: () => server.close(closeGraceMs) };
}

/** Where callers on this machine come. Its metadata say so, because a client believes none that name another place (AuthZEN 1.0, 9.2.3). */
export function pdpOrigin({ host, port }: ListenAddress): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Where callers that show a certificate come. `port`: as callers know it. */
export function mutualTlsOrigin(gate: Pick<Gate, 'pdp'>, port: number): string {
  return port === 443 ? `https://${gate.pdp.host}` : `https://${gate.pdp.host}:${port}`;
}

/**
 * Opens the listener that asks callers for a certificate, under the PDP's own name and for nothing else. It is not the one that browsers come
 * to: those would ask the person for a certificate at every site.
 */
export async function openMutualTlsListener(
  gate: Gate,
  {
    address,
    certificates,
    tls,
  }: {
    readonly address: ListenAddress;
    readonly certificates: Pick<ServerCertificates, 'contextFor'>;
    readonly tls: Pick<GatewayHandoff['tls'], 'minVersion' | 'connectionsPerAddress'>;
  },
): Promise<PdpListener> {
  const host = gate.pdp.host;
  const servers = createFrontServers({
    onExchange: (exchange) => void serve(gate, exchange, origin),
    sweep: gate.sweep,
    clock: gate.clock,
    contextFor: (servername) => (servername === host ? certificates.contextFor(servername) : undefined),
    asksForCertificate: true,
    minVersion: tls.minVersion,
    connectionsPerAddressMax: tls.connectionsPerAddress,
    onTrouble: (code) => gate.metrics.count(`nullius_protocol_trouble_total{code="${code}"}`),
  });
  const server = servers.tls;
  if (server === null) throw new Error('a listener with certificates was made without TLS');
  server.listen({ host: address.host, port: address.port, backlog: 1024 });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const origin = mutualTlsOrigin(gate, port);
  return { port, close: () => servers.close(closeGraceMs) };
}

async function serve(gate: Gate, exchange: Exchange, origin: string): Promise<void> {
  const id = gate.newId();
  const { request } = exchange;
  if (isRefusal(request)) {
    gate.metrics.count(`nullius_refused_total{code="${request.code}"}`);
    return answerError({ exchange, id, requestId: undefined }, { status: request.status, words: request.words });
  }
  try {
    await servePdp(gate, { exchange, id, request, origin });
  } catch (error) {
    gate.metrics.count('nullius_failed_closed_total');
    gate.onFault(error, id);
    if (exchange.client.started) return exchange.client.destroy();
    const words = 'The PDP could not decide or could not write its log. Take this for a no, and try again shortly.';
    answerError({ exchange, id, requestId: undefined }, { status: 500, words });
  }
}
