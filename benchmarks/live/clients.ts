// What people's programs do in this benchmark: streams, sockets, long bodies. Everything goes to one gateway on loopback.
import { randomBytes } from 'node:crypto';
import { request } from 'node:http';

export interface Target {
  readonly port: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** Opens an event stream; resolves once its first event came. `closed` resolves with the time of its last byte or end. */
export function openStream({ port, headers }: Target): Promise<{ closed: Promise<number> }> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path: '/events', headers, agent: false }, (response) => {
      if (response.statusCode !== 200) return reject(new Error(`a stream was answered ${response.statusCode}`));
      const closed = new Promise<number>((done) => response.on('close', () => done(performance.now())));
      response.on('error', () => undefined);
      response.once('data', () => resolve({ closed }));
      response.resume();
    });
    sent.on('error', reject);
    sent.end();
  });
}

/** Opens a WebSocket and leaves it idle. Gives what closes it. */
export function openWebSocket({ port, headers }: Target): Promise<() => void> {
  const upgrade = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': randomBytes(16).toString('base64'),
  };
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, headers: { ...headers, ...upgrade }, agent: false });
    sent.on('upgrade', (_response, socket) => {
      socket.on('error', () => undefined);
      socket.resume();
      resolve(() => socket.destroy());
    });
    sent.on('response', (response) => reject(new Error(`a WebSocket was answered ${response.statusCode}`)));
    sent.on('error', reject);
    sent.end();
  });
}

/** One request and the milliseconds until its answer was whole. Throws unless it was 200. */
export function ask({ port, headers }: Target, path = '/'): Promise<number> {
  const begun = performance.now();
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, headers }, (response) => {
      response.resume();
      response.on('error', reject);
      response.on('end', () =>
        response.statusCode === 200
          ? resolve(performance.now() - begun)
          : reject(new Error(`answered ${response.statusCode}`)),
      );
    });
    sent.on('error', reject);
    sent.end();
  });
}

/** The status that one request is answered with; 0 when it was cut, because the right to it ended while it was on its way. */
export function statusOf({ port, headers }: Target): Promise<number> {
  return new Promise((resolve) => {
    const sent = request({ host: '127.0.0.1', port, path: '/', headers: { ...headers, accept: 'application/json' } });
    sent.on('response', (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
    });
    sent.on('error', () => resolve(0));
    sent.end();
  });
}

/** Reads a download as fast as it comes, or at most `bytesPerSecond`; stops after `seconds` when given. Gives bytes read. */
export function download(
  { port, headers }: Target,
  options: { bytes: number; slow?: { bytesPerSecond: number; seconds: number } },
): Promise<number> {
  const { bytes, slow } = options;
  return new Promise((resolve, reject) => {
    let received = 0;
    const path = `/download?bytes=${bytes}`;
    const sent = request({ host: '127.0.0.1', port, path, headers, agent: false }, (response) => {
      if (response.statusCode !== 200) return reject(new Error(`the download was answered ${response.statusCode}`));
      const begun = performance.now();
      response.on('data', (part: Buffer) => {
        received += part.byteLength;
        if (slow === undefined) return;
        const ahead = (received / slow.bytesPerSecond) * 1000 - (performance.now() - begun);
        response.pause();
        setTimeout(() => response.resume(), Math.max(0, ahead));
      });
      if (slow !== undefined) {
        setTimeout(() => {
          sent.destroy();
          resolve(received);
        }, slow.seconds * 1000);
      }
      response.on('end', () => resolve(received));
      response.on('error', (error) => (slow === undefined ? reject(error) : resolve(received)));
    });
    sent.on('error', (error) => (slow === undefined ? reject(error) : resolve(received)));
    sent.end();
  });
}

/** Sends a body of so many bytes; gives how many the app says it got. */
export function upload({ port, headers }: Target, bytes: number): Promise<number> {
  const chunk = Buffer.alloc(64 * 1024, 'y');
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path: '/upload', method: 'POST', agent: false };
    const sent = request({ ...options, headers: { ...headers, 'content-length': bytes } }, (response) => {
      let text = '';
      response.on('data', (part) => {
        text += String(part);
      });
      response.on('end', () =>
        response.statusCode === 200
          ? resolve(Number(text))
          : reject(new Error(`the upload was answered ${response.statusCode}`)),
      );
    });
    sent.on('error', reject);
    let left = bytes;
    const fill = () => {
      while (left > 0) {
        const size = Math.min(left, chunk.byteLength);
        left -= size;
        if (!sent.write(size === chunk.byteLength ? chunk : chunk.subarray(0, size))) return;
      }
      sent.end();
    };
    sent.on('drain', () => (left > 0 ? fill() : sent.end()));
    fill();
  });
}
