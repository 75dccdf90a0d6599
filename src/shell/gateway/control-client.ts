import { Pool } from 'undici';
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
  close: () => Promise<void>;
} {
  const pool = new Pool('http://control', {
    connect: { socketPath: address.socketPath },
    connections: controlConnectionsMax,
    headersTimeout: controlCallTimeoutMs,
    bodyTimeout: controlCallTimeoutMs,
    maxResponseSize: controlAnswerBytesMax,
  });
  const headers = { authorization: `Bearer ${address.token}`, 'content-type': 'application/json' };

  async function call<N extends keyof GatewayCalls>(
    name: N,
    request: GatewayCalls[N]['request'],
    options: { readonly timeoutMs?: number } = {},
  ): Promise<GatewayCalls[N]['answer']> {
    let status: number;
    let answer: unknown;
    try {
      const response = await pool.request({
        method: 'POST',
        path: `/call/${name}`,
        headers,
        body: JSON.stringify(request),
        ...(options.timeoutMs === undefined
          ? {}
          : { headersTimeout: options.timeoutMs, bodyTimeout: options.timeoutMs }),
      });
      status = response.statusCode;
      answer = await response.body.json();
    } catch (cause) {
      throw new ControlError('unreachable', { message: 'the control process does not answer', cause });
    }
    if (status !== 200) {
      throw new ControlError('refused', { message: detailOf(answer), status });
    }
    return answer as GatewayCalls[N]['answer'];
  }

  return { call, close: () => pool.close() };
}

function detailOf(problem: unknown): string {
  if (typeof problem === 'object' && problem !== null && 'detail' in problem && typeof problem.detail === 'string') {
    return problem.detail;
  }
  return 'control refused without a reason';
}
