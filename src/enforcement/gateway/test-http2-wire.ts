// HTTP/2 written frame by frame, for what no library does (RFC 9113 4.1).
import { createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { listen } from './test-gateway.ts';

export const dataFrame = 0;
export const headersFrame = 1;
export const resetFrame = 3;
export const settingsFrame = 4;
export const pingFrame = 6;
export const goAwayFrame = 7;
/** Of settings and pings, where `endStream` has the same bit. */
export const ack = 1;
export const endStream = 1;
export const endHeaders = 4;
export const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
/** `:status: 200` of HPACK's static table (RFC 7541 A). */
export const status200 = Buffer.from([0x88]);

export interface FrameParts {
  readonly flags?: number;
  readonly stream?: number;
  readonly payload?: Buffer;
}

export interface Frame extends Required<FrameParts> {
  readonly type: number;
}

export function frame(type: number, { flags = 0, stream = 0, payload = Buffer.alloc(0) }: FrameParts): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A field as a literal that is not indexed (RFC 7541 6.2.2), shorter than 127 bytes either way. */
export const field = (name: string, value: string) =>
  Buffer.concat([Buffer.from([0, name.length]), Buffer.from(name), Buffer.from([value.length]), Buffer.from(value)]);

/** An error code, or the last stream of a GOAWAY. */
export const code = (value: number) => Buffer.from([0, 0, 0, value]);

/** Takes the frames out of what a socket reads, `prefaceBytes` of it left out. */
export function onFrames(
  socket: Socket,
  { prefaceBytes, take }: { readonly prefaceBytes: number; readonly take: (frame: Frame) => void },
): void {
  let held: Buffer = Buffer.alloc(0);
  let skip = prefaceBytes;
  socket.on('data', (chunk) => {
    held = Buffer.concat([held, chunk]);
    const skipped = Math.min(skip, held.length);
    skip -= skipped;
    held = held.subarray(skipped);
    while (held.length >= 9 && held.length >= 9 + held.readUIntBE(0, 3)) {
      const end = 9 + held.readUIntBE(0, 3);
      const [type = 0, flags = 0] = held.subarray(3, 5);
      const taken = { type, flags, stream: held.readUInt32BE(5), payload: held.subarray(9, end) };
      held = held.subarray(end);
      take(taken);
    }
  });
}

/** `SETTINGS_ENABLE_CONNECT_PROTOCOL` (RFC 8441 3). */
export const takesConnect = Buffer.from([0, 8, 0, 0, 0, 1]);

/** An app that answers each stream it sees opened with these bytes. */
export async function rawHttp2App(
  t: Pick<TestContext, 'after'>,
  answer: (stream: number, socket: Socket) => Buffer,
  { settings = Buffer.alloc(0) }: { readonly settings?: Buffer } = {},
): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.write(Buffer.concat([frame(settingsFrame, { payload: settings }), frame(settingsFrame, { flags: ack })]));
    onFrames(socket, {
      prefaceBytes: preface.length,
      take: ({ type, stream }) => {
        if (type === headersFrame) socket.write(answer(stream, socket));
      },
    });
  });
  return `h2c://127.0.0.1:${await listen(t, server)}`;
}
