import type { Agent as HttpAgent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from '#foundation/http';
import type { SignerCalls } from '#shell/wire';

const answerBytesMax = 4_194_304;
const callMsMax = 10_000;
/** How long a call waits for a signer that is (re)starting, and how often it looks. */
const startMsMax = 15_000;
const startPollMs = 20;

/** `refused`: the signer said no, the message says why. `unavailable`: it could not be reached or did not answer. */
export class SignerCallError extends Error {
  override readonly name = 'SignerCallError';
  readonly code: 'refused' | 'unavailable';
  constructor(code: 'refused' | 'unavailable', message: string) {
    super(message);
    this.code = code;
  }
}

export interface SignerClient {
  call<N extends keyof SignerCalls>(name: N, request: SignerCalls[N]['request']): Promise<SignerCalls[N]['answer']>;
  close(): void;
}

/** A client of the signer's socket. Connects when first called; every call stands alone, so a restarted signer just works. */
export function connectSigner({ socketPath, token }: { socketPath: string; token: string }): SignerClient {
  const agent = new Agent({ keepAlive: true, maxSockets: 16, timeout: 30_000 });
  return {
    call: async <N extends keyof SignerCalls>(name: N, body: SignerCalls[N]['request']) => {
      const payload = JSON.stringify(body);
      const deadline = performance.now() + startMsMax;
      for (;;) {
        try {
          // The signer answers with what its table of calls says; both sides share the type.
          return (await post({ agent, socketPath, token, name, payload })) as SignerCalls[N]['answer'];
        } catch (error) {
          if (!isNotThere(error)) throw asCallError(error);
          if (performance.now() > deadline) throw new SignerCallError('unavailable', 'the signer does not answer');
          await sleep(startPollMs);
        }
      }
    },
    close: () => agent.destroy(),
  };
}

interface Post {
  readonly agent: HttpAgent;
  readonly socketPath: string;
  readonly token: string;
  readonly name: string;
  readonly payload: string;
}

function post({ agent, socketPath, token, name, payload }: Post): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        agent,
        socketPath,
        path: `/${name}`,
        method: 'POST',
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(payload),
        },
        signal: AbortSignal.timeout(callMsMax),
      },
      (response) => {
        const chunks: Buffer[] = [];
        let length = 0;
        response.on('error', reject);
        response.on('data', (chunk: Buffer) => {
          length += chunk.length;
          if (length > answerBytesMax) response.destroy(new Error('the answer of the signer is too long'));
          else chunks.push(chunk);
        });
        response.on('end', () => {
          try {
            const answer: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
            if (response.statusCode === 200) resolve(answer);
            else reject(new SignerCallError('refused', `signer, \`${name}\`: ${detailOf(answer)}`));
          } catch (error) {
            reject(error);
          }
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(payload);
  });
}

function detailOf(answer: unknown): string {
  return typeof answer === 'object' && answer !== null && 'detail' in answer ? String(answer.detail) : 'refused';
}

/** No socket yet, nobody behind it, or a connection kept from before a restart. Asking again is safe: signing twice harms nobody. */
function isNotThere(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ECONNRESET' || code === 'EPIPE';
}

function asCallError(error: unknown): SignerCallError {
  if (error instanceof SignerCallError) return error;
  return new SignerCallError(
    'unavailable',
    `the signer did not answer: ${error instanceof Error ? error.message : String(error)}`,
  );
}
