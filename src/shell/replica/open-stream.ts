import { once } from 'node:events';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { request as httpRequest } from '#foundation/http';
import type { Position } from './position.ts';
import { ReplicaError } from './replica-error.ts';

const answerMsMax = 30_000;

/** Where control is: its Unix socket on this machine, or mutual TLS from another. */
export type ControlAddress =
  | { readonly socketPath: string; readonly token: string }
  | {
      readonly host: string;
      readonly port: number;
      /** Asked at every connection: certificates are renewed. */
      readonly tls: () => PeerTls;
    };

/** PEM: who may speak as control and under which name, and what this gateway shows. */
export interface PeerTls {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly servername: string;
}

/** Opens `GET /follow`. Throws ReplicaError `unreachable` or `refused`. Aborting the signal destroys the stream. */
export async function openStream(
  address: ControlAddress,
  options: { position: Position | undefined; signal: AbortSignal },
): Promise<IncomingMessage> {
  const { position, signal } = options;
  const path = position === undefined ? '/follow' : `/follow?epoch=${position.epoch}&revision=${position.revision}`;
  const request = begin(address, path, signal);
  const timer = setTimeout(() => request.destroy(new Error('no answer came')), answerMsMax);
  try {
    request.end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    if (response.statusCode === 200) return response;
    response.resume();
    if (response.statusCode === 403)
      throw new ReplicaError('removed', 'control does not know this gateway any more: it was removed; join again');
    throw new ReplicaError('refused', `control refused to be followed (HTTP ${response.statusCode})`);
  } catch (error) {
    request.destroy();
    if (error instanceof ReplicaError) throw error;
    throw new ReplicaError('unreachable', 'the control process does not answer', { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

function begin(address: ControlAddress, path: string, signal: AbortSignal): ClientRequest {
  if ('socketPath' in address) {
    const headers = { authorization: `Bearer ${address.token}`, host: 'control' };
    return httpRequest({ socketPath: address.socketPath, path, headers, signal, agent: false });
  }
  const { host, port, tls } = address;
  const headers = { host: 'control' };
  return httpsRequest({ host, port, path, headers, signal, agent: false, minVersion: 'TLSv1.3', ...tls() });
}
