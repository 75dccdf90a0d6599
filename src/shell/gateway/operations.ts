import type { Server } from 'node:http';
import { createServer } from '#foundation/http';
import type { ListenAddress } from '#shell/wire';
import type { Metrics } from './metrics.ts';

/** `/livez`: the process runs. `/readyz`: it would judge requests now. `/metrics`: Prometheus text. */
export function serveOperations(
  address: ListenAddress,
  state: { metrics: Metrics; notReadyBecause: () => string | null },
): Promise<Server> {
  const server = createServer((request, response) => {
    const send = (status: number, text: string) => {
      response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' });
      response.end(text);
    };
    if (request.method !== 'GET' && request.method !== 'HEAD') return send(405, 'GET only\n');
    if (request.url === '/livez') return send(200, 'ok\n');
    if (request.url === '/readyz') {
      const reason = state.notReadyBecause();
      return reason === null ? send(200, 'ok\n') : send(503, `${reason}\n`);
    }
    if (request.url === '/metrics') return send(200, state.metrics.text());
    return send(404, 'try /livez, /readyz or /metrics\n');
  });
  server.headersTimeout = 5_000;
  server.requestTimeout = 10_000;
  server.maxConnections = 100;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(address.port, address.host, () => resolve(server));
  });
}
