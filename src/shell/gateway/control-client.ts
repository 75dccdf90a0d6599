import { request as httpsRequest, type RequestOptions, Agent as TlsAgent } from 'node:https';
import { Agent, request as httpRequest } from '#foundation/http';
import type { ControlAddress } from '#shell/replica';
import type { GatewayCalls } from '#shell/wire';

const controlCallTimeoutMs = 10_000;
const controlConnectionsMax = 16;
const controlAnswerBytesMax = 1_048_576;

/** Why a call to control gave no answer: it could not be reached, or it said no (`detail` is fit for people). */
export class ControlError extends Error {
  readonly code: 'unreachable' | 'refused';
  readonly status: number;

  constructor(code: 'unreachable' | 'refused', options: { message: string; status?: number; cause?: unknown }) {
    super(options.message, { cause: options.cause });
    this.name = 'ControlError';
    this.code = code;
    this.status = options.status ?? 503;
  }
}

export type CallControl = <N extends keyof GatewayCalls>(
  name: N,
  request: GatewayCalls[N]['request'],
  options?: { readonly timeoutMs?: number },
) => Promise<GatewayCalls[N]['answer']>;

/** A call whose request is JSON already. */
export type SendToControl = <N extends keyof GatewayCalls>(
  name: N,
  body: string | Uint8Array,
  options?: { readonly timeoutMs?: number },
) => Promise<GatewayCalls[N]['answer']>;

/** The same calls, but refused when `isThere` says no: nobody waits for a control that is known to be away. */
export function callWhile(isThere: () => Promise<boolean>, call: CallControl): CallControl {
  return async (name, request, options) => {
    if (await isThere()) return await call(name, request, options);
    throw new ControlError('unreachable', {
      message:
        'The gateway has lost touch with its control process, and starts nothing new meanwhile. Try again shortly.',
    });
  };
}

/**
 * Makes the function by which the gateway asks control, over its Unix socket or mutual TLS. Every call is bounded in time; failures
 * throw ControlError. The answers come from our own process over an authenticated socket and are trusted as typed.
 */
export function connectControl(address: ControlAddress): {
  call: CallControl;
  send: SendToControl;
  close: () => void;
} {
  const pool = { keepAlive: true, maxSockets: controlConnectionsMax };
  const isLocal = 'socketPath' in address;
  const agent = isLocal ? new Agent(pool) : new TlsAgent(pool);
  const headers = {
    'content-type': 'application/json',
    ...(isLocal ? { authorization: `Bearer ${address.token}` } : {}),
  };
  // The certificate of the moment: connections made with an older one go on until they end.
  const where = (): RequestOptions =>
    isLocal
      ? { socketPath: address.socketPath }
      : { host: address.host, port: address.port, minVersion: 'TLSv1.3', ...address.tls() };

  async function sendTo<N extends keyof GatewayCalls>(
    name: N,
    body: string | Uint8Array,
    options: { readonly timeoutMs?: number } = {},
  ): Promise<GatewayCalls[N]['answer']> {
    let status: number;
    let answer: unknown;
    try {
      const signal = AbortSignal.timeout(options.timeoutMs ?? controlCallTimeoutMs);
      const target = { ...where(), agent, path: `/call/${name}`, headers, signal };
      const send = isLocal ? httpRequest : httpsRequest;
      const reply = await post(body, { target, send });
      status = reply.status;
      answer = JSON.parse(reply.body);
    } catch (cause) {
      throw new ControlError('unreachable', { message: 'the control process does not answer', cause });
    }
    if (status !== 200) {
      throw new ControlError('refused', { message: detailOf(answer), status });
    }
    return answer as GatewayCalls[N]['answer'];
  }

  return {
    call: (name, request, options) => sendTo(name, JSON.stringify(request), options),
    send: sendTo,
    close: () => agent.destroy(),
  };
}

/** One POST and its whole answer, of bounded size. */
function post(
  body: string | Uint8Array,
  { target, send }: { readonly target: RequestOptions; readonly send: typeof httpRequest },
): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const length = { 'content-length': `${Buffer.byteLength(body)}` };
    const sent = send({ ...target, method: 'POST', headers: { ...target.headers, ...length } }, (response) => {
      const chunks: Buffer[] = [];
      let byteCount = 0;
      response.on('data', (chunk: Buffer) => {
        byteCount += chunk.byteLength;
        if (byteCount > controlAnswerBytesMax) response.destroy(new Error('the answer is too large'));
        else chunks.push(chunk);
      });
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }),
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

function detailOf(problem: unknown): string {
  if (typeof problem === 'object' && problem !== null && 'detail' in problem && typeof problem.detail === 'string') {
    return problem.detail;
  }
  return 'control refused without a reason';
}
