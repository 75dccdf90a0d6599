import { once } from 'node:events';
import { createServer } from 'node:net';
import type { ListenAddress } from '#shell/wire';
import { SupervisorError } from './supervisor-error.ts';

/**
 * Checks that an address can be listened on and gives it with a real port in place of 0: URLs must be known before the
 * gateway listens. The port is let go again at once; should somebody take it in between, the gateway says so and fails.
 */
export async function resolveListen(address: ListenAddress | null): Promise<ListenAddress | null> {
  if (address === null) return null;
  const server = createServer();
  try {
    server.listen({ host: address.host, port: address.port, exclusive: true });
    await once(server, 'listening');
    const found = server.address();
    return { host: address.host, port: typeof found === 'object' && found !== null ? found.port : address.port };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const why = code === 'EADDRINUSE' ? 'another program listens there' : `${code}`;
    throw new SupervisorError(
      `cannot listen on \`${address.host}:${address.port}\`: ${why}; change \`listen\` in nullius.yaml or by --set`,
    );
  } finally {
    server.close();
  }
}
