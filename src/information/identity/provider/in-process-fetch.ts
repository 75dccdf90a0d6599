import type { IncomingMessage, RequestListener } from 'node:http';
import { duplexPair } from 'node:stream';
import { createServer, request as httpRequest } from '#foundation/http';

const answerBytesMax = 1024 * 1024;

/**
 * A `fetch` that reaches an HTTP listener of this very process over a pair of in-memory streams: real HTTP, no socket,
 * no name resolution. Only for requests to our own provider.
 */
export function inProcessFetch(listener: RequestListener) {
  const server = createServer(listener);
  return async (
    url: string,
    options: { method: string; headers: Record<string, string>; body?: unknown },
  ): Promise<Response> => {
    const target = new URL(url);
    const [ours, theirs] = duplexPair();
    server.emit('connection', theirs);
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = httpRequest({
        method: options.method,
        path: target.pathname + target.search,
        headers: { ...options.headers, host: target.host, connection: 'close' },
        createConnection: () => ours,
      });
      request.on('response', resolve);
      request.on('error', reject);
      request.end(options.body === undefined || options.body === null ? undefined : String(options.body));
    });
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of response) {
      bytes += chunk.length;
      if (bytes > answerBytesMax) throw new Error('the provider answered with too much');
      chunks.push(chunk);
    }
    const headers = Object.entries(response.headers).flatMap(([name, value]) =>
      typeof value === 'string' ? [[name, value] as [string, string]] : [],
    );
    return new Response(Buffer.concat(chunks), { status: response.statusCode ?? 500, headers });
  };
}
