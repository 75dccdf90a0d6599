import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { WebSocketServer } from 'ws';

/** Says what it sees, and never gives up trying to connect again: what a cut must withstand. */
const page = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Live counter</title><h1>Live counter</h1>
<p id="count">0</p><p id="state">connecting</p><p>Tries since the cut: <span id="tries">0</span></p>
<script>
const show = (id, text) => { document.getElementById(id).textContent = text; };
let tries = 0;
function open() {
  const socket = new WebSocket(location.origin.replace(/^http/, 'ws') + '/live');
  socket.onopen = () => show('state', 'open');
  socket.onmessage = (event) => show('count', event.data);
  socket.onclose = () => { show('state', 'closed'); show('tries', tries++); setTimeout(open, 100); };
}
open();
</script>`;

/** A real app on loopback with one page that shows a counter over a WebSocket. */
export async function startLiveCounter(t: TestContext): Promise<{
  origin: string;
  /** WebSockets that are open now, and those that were ever accepted. */
  sockets(): { open: number; accepted: number };
}> {
  let accepted = 0;
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html');
    response.end(page);
  });
  const sockets = new WebSocketServer({ server, path: '/live' });
  sockets.on('connection', (socket) => {
    accepted += 1;
    let count = 0;
    const timer = setInterval(() => socket.send(String(++count)), 50);
    socket.on('close', () => clearInterval(timer));
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
    sockets: () => ({ open: sockets.clients.size, accepted }),
  };
}
