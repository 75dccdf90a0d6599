import { createCleartextServer, type Exchange, isRefusal } from '#enforcement/gateway';
import type { ListenAddress } from '#shell/wire';
import type { Gate } from '../gate.ts';
import { answerError } from './answer.ts';
import { servePdp } from './serve-pdp.ts';

const closeGraceMs = 1_000;

/**
 * Opens the listener for enforcement points on this machine: HTTP/1.1, and HTTP/2 by prior knowledge, which gRPC speaks. Whatever Host
 * they send means the PDP; that they are let in is their token's doing, not the address's.
 */
export async function openPdpListener(
  gate: Gate,
  address: ListenAddress,
): Promise<{ readonly port: number; close: () => Promise<void> }> {
  const server = createCleartextServer({
    onExchange: (exchange) => void serve(gate, exchange),
    sweep: gate.sweep,
    clock: gate.clock,
    onTrouble: (code) => gate.metrics.count(`nullius_protocol_trouble_total{code="${code}"}`),
  });
  const port = await server.listen(address);
  return { port, close: () => server.close(closeGraceMs) };
}

async function serve(gate: Gate, exchange: Exchange): Promise<void> {
  const id = gate.newId();
  const { request } = exchange;
  if (isRefusal(request)) {
    gate.metrics.count(`nullius_refused_total{code="${request.code}"}`);
    return answerError({ exchange, id, requestId: undefined }, { status: request.status, words: request.words });
  }
  try {
    await servePdp(gate, { exchange, id, request });
  } catch (error) {
    gate.metrics.count('nullius_failed_closed_total');
    gate.onFault(error, id);
    if (exchange.client.started) return exchange.client.destroy();
    const words = 'The PDP could not decide or could not write its log. Take this for a no, and try again shortly.';
    answerError({ exchange, id, requestId: undefined }, { status: 500, words });
  }
}
