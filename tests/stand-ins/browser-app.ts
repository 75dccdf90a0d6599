import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { WebSocketServer } from 'ws';

/** What a request was when it reached the app. */
export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A real app on loopback that does what a test tells it to. */
export interface BrowserApp {
  readonly origin: string;
  /** All but the browser's own asking for an icon. */
  readonly seen: Seen[];
  /** From now on this path (without query) is answered so; flat or repeated headers as `node:http` takes them. */
  answer(path: string, answer: { status?: number; headers?: Record<string, string | string[]>; body?: string }): void;
  /** WebSockets that the app accepted. */
  sockets(): number;
}

const blankPage = '<!doctype html><html lang="en"><meta charset="utf-8"><title>app</title><h1>app</h1>';

/**
 * Starts an app whose every path is a blank page until the test says otherwise. `/events` is an event stream, `/socket` a
 * WebSocket, and both tell `secret`.
 */
export async function startBrowserApp(t: TestContext, { secret }: { secret: string }): Promise<BrowserApp> {
  const seen: Seen[] = [];
  const answers = new Map<string, Parameters<BrowserApp['answer']>[1]>();
  let accepted = 0;
  const server = createServer((request, response) => {
    void readBody(request).then((body) => {
      const { method = '', url = '', headers } = request;
      const path = url.split('?', 1)[0] ?? '/';
      // Browsers ask for it by themselves, whenever they come to it.
      if (path !== '/favicon.ico') seen.push({ method, url, headers, body });
      const answer = answers.get(path) ?? { headers: { 'content-type': 'text/html; charset=utf-8' }, body: blankPage };
      if (path === '/events') return stream(response, secret);
      response.writeHead(answer.status ?? 200, answer.headers ?? {});
      response.end(answer.body ?? '');
    });
  });
  const sockets = new WebSocketServer({ server, path: '/socket' });
  sockets.on('connection', (socket) => {
    accepted += 1;
    socket.send(secret);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets.clients) socket.terminate();
    sockets.close();
    server.closeAllConnections();
    server.close();
  });
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    answer: (path, answer) => void answers.set(path, answer),
    sockets: () => accepted,
  };
}

function stream(response: ServerResponse, secret: string): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write(`data: ${secret}\n\n`);
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of request) chunks.push(chunk as Buffer);
  } catch {
    // The gateway gave up on this request.
  }
  return Buffer.concat(chunks).toString('utf8');
}
