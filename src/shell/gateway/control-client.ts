import { Agent, request as httpRequest } from 'node:http';
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
 * Makes the function by which the gateway asks control, over its Unix socket. Every call is bounded in time; failures
 * throw ControlError. The answers come from our own process over an authenticated socket and are trusted as typed.
 */
export function connectControl(address: { socketPath: string; token: string }): {
  call: CallControl;
  close: () => void;
} {
  const agent = new Agent({ keepAlive: true, maxSockets: controlConnectionsMax });
  const { socketPath } = address;
  const headers = { authorization: `Bearer ${address.token}`, 'content-type': 'application/json' };

  async function call<N extends keyof GatewayCalls>(
    name: N,
    request: GatewayCalls[N]['request'],
    options: { readonly timeoutMs?: number } = {},
  ): Promise<GatewayCalls[N]['answer']> {
    let status: number;
    let answer: unknown;
    try {
      const signal = AbortSignal.timeout(options.timeoutMs ?? controlCallTimeoutMs);
      const target = { agent, socketPath, path: `/call/${name}`, headers, signal };
      const reply = await post(JSON.stringify(request), target);
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

  return { call, close: () => agent.destroy() };
}

interface PostOptions {
  readonly agent: Agent;
  readonly socketPath: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** One POST and its whole answer, of bounded size. */
function post(body: string, options: PostOptions): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const length = { 'content-length': `${Buffer.byteLength(body)}` };
    const sent = httpRequest({ ...options, method: 'POST', headers: { ...options.headers, ...length } }, (response) => {
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
