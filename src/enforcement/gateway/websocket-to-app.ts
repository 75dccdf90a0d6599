import { randomBytes } from 'node:crypto';
import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { Duplex, Readable } from 'node:stream';
import { request as httpRequest } from '#foundation/http';
import type { Dial } from './dial.ts';
import { noteWholeEnd, openClientSession, withoutPseudo } from './http2-connection.ts';
import { headerBytesMax, websocketCloseMs } from './limits.ts';
import type { UpstreamTarget } from './parse-upstream.ts';
import { codeOf } from './upstream-error.ts';
import { isOffered, isValidSwitch, type WebSocketOffer } from './websocket-handshake.ts';

/** An opening handshake that was judged, as it goes to the app. */
export interface AppHandshake {
  readonly target: string;
  /** Flat, `host` first. */
  readonly headers: readonly string[];
  readonly offer: WebSocketOffer;
}

/** The app's answer to it (not trusted). Exactly one of these is called, and `onError` perhaps once more. */
export interface AppHandshakeHandler {
  /** It validly switched: bytes of `socket` are frames. */
  onSwitch(socket: Duplex, rawHeaders: readonly string[]): void;
  /** It said yes in a way that is none. */
  onInvalid(): void;
  /** It speaks HTTP/2 and does not take WebSockets over it (RFC 8441 3). */
  onUnsupported(): void;
  /** It declined. */
  onOtherAnswer(answer: OtherAnswer): void;
  onError(error: unknown): void;
}

export interface OtherAnswer {
  readonly status: number;
  readonly rawHeaders: readonly string[];
  readonly body: Readable;
  /** Asked when the body has ended: did the app end it, or only stop? */
  readonly isWhole: () => boolean;
}

/** A handshake under way, or what became of it. */
export interface WebSocketToApp {
  /** Ends the connection to the app, in whatever state. */
  destroy(): void;
}

export interface AppDial {
  readonly dial: Dial;
  readonly target: UpstreamTarget;
}

/**
 * Opens a WebSocket to an app on a connection of its own: by HTTP/1.1 Upgrade (RFC 6455), and by extended CONNECT (RFC 8441) where the app
 * speaks HTTP/2 only, as `h2c:` says and TLS finds out.
 */
export function openToApp(
  handshake: AppHandshake,
  { to, handler }: { readonly to: AppDial; readonly handler: AppHandshakeHandler },
): WebSocketToApp {
  const state: { opening: WebSocketToApp | null; isOver: boolean } = { opening: null, isOver: false };
  const dialFor = (alpn: 'http/1.1' | 'h2') => {
    to.dial({ alpn: [alpn] }, (error, socket) => {
      if (state.isOver) {
        socket?.destroy();
      } else if (error !== null) {
        if (alpn === 'http/1.1' && codeOf(error) === noCommonProtocol) dialFor('h2');
        else handler.onError(error);
      } else {
        const shake = alpn === 'h2' ? shakeHandsHttp2 : shakeHandsHttp1;
        try {
          state.opening = shake(socket, { handshake, handler });
        } catch (problem) {
          socket.destroy();
          handler.onError(problem);
        }
      }
    });
  };
  dialFor(to.target.kind === 'h2c' ? 'h2' : 'http/1.1');
  return {
    destroy: () => {
      state.isOver = true;
      state.opening?.destroy();
    },
  };
}

/** What the app's TLS says when it does not speak what was offered (RFC 7301 3.2). */
const noCommonProtocol = 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL';

interface Shaken {
  readonly handshake: AppHandshake;
  readonly handler: AppHandshakeHandler;
}

/** What is wanted inside a WebSocket, in both forms of the handshake. */
function wishes({ protocols, extensions }: WebSocketOffer): string[] {
  return [
    'sec-websocket-version',
    '13',
    ...(protocols.length > 0 ? ['sec-websocket-protocol', protocols.join(', ')] : []),
    ...(extensions === null ? [] : ['sec-websocket-extensions', extensions]),
  ];
}

function shakeHandsHttp1(socket: Socket, { handshake, handler }: Shaken): WebSocketToApp {
  const { offer, headers, target } = handshake;
  const key = randomBytes(16).toString('base64');
  const request = httpRequest({
    method: 'GET',
    path: target,
    headers: [...headers, 'connection', 'Upgrade', 'upgrade', 'websocket', 'sec-websocket-key', key, ...wishes(offer)],
    setDefaultHeaders: false,
    createConnection: () => socket,
    maxHeaderSize: headerBytesMax,
  });
  request.on('upgrade', (answer, switched: Duplex, head: Buffer) => {
    if (head.length > 0) switched.unshift(head);
    if (isValidSwitch(answer, { key, offer })) handler.onSwitch(switched, answer.rawHeaders);
    else {
      switched.on('error', () => {});
      switched.destroy();
      handler.onInvalid();
    }
  });
  request.on('response', (answer) =>
    handler.onOtherAnswer({
      status: answer.statusCode ?? 502,
      rawHeaders: answer.rawHeaders,
      body: answer,
      isWhole: () => answer.complete,
    }),
  );
  request.on('error', (error) => handler.onError(error));
  request.end();
  return {
    destroy: () => {
      request.destroy();
      socket.destroy();
    },
  };
}

function shakeHandsHttp2(socket: Socket, { handshake, handler }: Shaken): WebSocketToApp {
  const session = openClientSession(socket);
  let hasSettings = false;
  session.once('remoteSettings', ({ enableConnectProtocol }) => {
    hasSettings = true;
    if (enableConnectProtocol === true) connectStream(session, { handshake, handler, socket });
    else {
      session.destroy();
      handler.onUnsupported();
    }
  });
  session.once('close', () => {
    if (!hasSettings) handler.onError(new ConnectionLostError('the app closed the connection before it spoke HTTP/2'));
  });
  return {
    destroy: () => {
      session.destroy();
      socket.destroy();
    },
  };
}

class ConnectionLostError extends Error {
  readonly code = 'upstream-closed';
}

function connectStream(session: ClientHttp2Session, { handshake, handler, socket }: Shaken & { socket: Socket }): void {
  const { offer, target } = handshake;
  // `host` comes first, and is said as `:authority` (RFC 9113 8.3.1).
  const [, authority = '', ...rest] = handshake.headers;
  const pseudo = [':method', 'CONNECT', ':protocol', 'websocket', ':scheme', 'encrypted' in socket ? 'https' : 'http'];
  let stream: ClientHttp2Stream;
  try {
    stream = session.request([...pseudo, ':authority', authority, ':path', target, ...rest, ...wishes(offer)], {
      endStream: false,
    });
  } catch (error) {
    session.destroy();
    handler.onError(error);
    return;
  }
  let isWhole = false;
  noteWholeEnd(stream, () => {
    isWhole = true;
  });
  let hasSwitched = false;
  stream.on('response', (fields, _flags, raw: readonly string[]) => {
    const status = fields[':status'] ?? 0;
    const rawHeaders = withoutPseudo(raw);
    if (status < 200 || status >= 300) {
      handler.onOtherAnswer({ status, rawHeaders, body: stream, isWhole: () => isWhole });
      return;
    }
    const [protocol, extensions] = [fields['sec-websocket-protocol'], fields['sec-websocket-extensions']];
    // RFC 8441 5: any 2xx is a yes, and nothing of the key is left. What was chosen must have been offered all the same.
    if (isOffered({ protocol, extensions }, offer)) {
      hasSwitched = true;
      handler.onSwitch(stream, rawHeaders);
    } else {
      session.destroy();
      handler.onInvalid();
    }
  });
  // Of a tunnel, its own end is told by whoever has it.
  stream.on('error', (error) => {
    if (!hasSwitched) handler.onError(error);
  });
  stream.on('close', () => {
    if (!hasSwitched && !isWhole) handler.onError(new ConnectionLostError('the app ended the stream'));
    session.close();
    // An app that does not close its side would keep ours open for as long as it likes.
    const timer = setTimeout(() => socket.destroy(), websocketCloseMs);
    socket.once('close', () => clearTimeout(timer));
  });
}
