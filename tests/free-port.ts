import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Below what Linux gives to outgoing connections (32768 on), one of which could take the port before its listener does; above
 * 10080, which browsers refuse to connect to.
 */
const range = { from: 10_081, to: 32_768 };
/** What a test holds several of must differ, though nobody listens yet. */
const given = new Set<number>();

/** A port that nobody listens on right now, that no connection is given, and that this process was not given before. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(range.from, range.to);
    if (given.has(port)) continue;
    const server = createServer().listen(port, '127.0.0.1');
    try {
      await once(server, 'listening');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') continue;
      throw error;
    }
    server.close();
    await once(server, 'close');
    given.add(port);
    return port;
  }
}
