// A small control process for the supervisor's tests: calls the signer, and answers on its gateway socket.
import { createServer } from 'node:http';
import { beChild, listenOnSocket } from '#shell/child';
import { connectSigner } from '#shell/signer-client';

const child = await beChild('control');
const { sockets, signerToken } = child.handoff;
if (child.handoff.overrides.includes('test=fail')) await child.fail('no policies\u001b[31m in `here`');
const signer = connectSigner({ socketPath: sockets.signer, token: signerToken });
const server = createServer(async (_request, response) => {
  const { token } = await signer.call('keys', {});
  response.end(JSON.stringify({ pid: process.pid, keyId: token[0]?.kid }));
});
await listenOnSocket(server, sockets.gateway);
child.onStop(() => {
  signer.close();
  server.close();
  process.stderr.write('control stops\n');
});
child.notice('first administrator http://id.localhost/enrol#x\u001b[2J');
child.ready();
