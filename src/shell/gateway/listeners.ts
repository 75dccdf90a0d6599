import { createFrontServers, type Exchange, type FrontServers, isRefusal } from '#enforcement/gateway';
import type { GatewayHandoff, ListenAddress } from '#shell/wire';
import { accessFlow } from './access-flow.ts';
import { answerGatewayRefusal } from './answers.ts';
import type { ServerCertificates } from './certificates.ts';
import type { Gate } from './gate.ts';

const closeGraceMs = 3_000;

/** Opens the plain and TLS listeners; every exchange goes through the access flow. */
export async function openListeners(
  gate: Gate,
  options: {
    listen: GatewayHandoff['listen'];
    certificates: ServerCertificates | null;
    tls: Pick<GatewayHandoff['tls'], 'minVersion' | 'connectionsPerAddress'>;
  },
): Promise<{ close: () => Promise<void> }> {
  const { certificates, listen } = options;
  const servers = createFrontServers({
    onExchange: (exchange) => void serve(gate, exchange),
    sweep: gate.sweep,
    clock: gate.clock,
    contextFor: certificates?.contextFor ?? null,
    challengeFor: certificates?.challengeFor,
    minVersion: options.tls.minVersion,
    connectionsPerAddressMax: options.tls.connectionsPerAddress,
    onTrouble: (code) => gate.metrics.count(`nullius_protocol_trouble_total{code="${code}"}`),
  });
  if (listen.plain !== null) await listenOn(servers.plain, listen.plain);
  if (listen.tls !== null && servers.tls !== null) await listenOn(servers.tls, listen.tls);
  return { close: () => servers.close(closeGraceMs) };
}

/** A throw anywhere in the flow is a denial: told to the client if it still can be, counted, and never an open gate. */
export async function serve(gate: Gate, exchange: Exchange): Promise<void> {
  try {
    await accessFlow(gate, exchange);
  } catch (error) {
    const id = gate.newId();
    gate.metrics.count('nullius_failed_closed_total');
    gate.onFault(error, id);
    if (exchange.client.started) exchange.client.destroy();
    else {
      const request = isRefusal(exchange.request) ? null : exchange.request;
      const words = 'The gateway could not decide or could not write its log, so the answer is no. Try again shortly.';
      answerGatewayRefusal(gate, { exchange, id, request, status: 503, words });
    }
  }
}

function listenOn(server: FrontServers['plain'], address: ListenAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: address.host, port: address.port, backlog: 1024 }, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
}
