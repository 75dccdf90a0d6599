import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { equalSecrets } from '#foundation/crypto';
import { createServer } from '#foundation/http';
import type { SignerCalls } from '#shell/wire';
import { CaError } from '#trust/ca';
import { KeysError } from '#trust/keys';
import { SigningError } from '#trust/signing';
import { type CallNeeds, callSchemas, createAnswers } from './answer-call.ts';

/** A publication of 10,000 policies fits. */
export const signerBodyBytesMax = 4_194_304;
export const signerConnectionsMax = 64;

class HttpRefusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The signer's HTTP server, not yet listening. Whoever shows the token may call; nobody else learns more than 401. */
export function createSignerServer(needs: CallNeeds & { token: string }): Server {
  const answers = createAnswers(needs);
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 5_000, keepAliveTimeout: 60_000 });
  server.maxConnections = signerConnectionsMax;
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    answerRequest(request).then(
      (answer) => send(response, 200, answer),
      (error: unknown) => {
        const { status, message } = refusalOf(error);
        // An unread body would be taken for the next request.
        if (!request.complete) response.setHeader('connection', 'close');
        send(response, status, { title: message, status, detail: message });
      },
    );
  });

  async function answerRequest(request: IncomingMessage): Promise<unknown> {
    if (!equalSecrets(request.headers.authorization ?? '', `Bearer ${needs.token}`))
      throw new HttpRefusal(401, 'who are you?');
    const name = (request.url ?? '').slice(1);
    if (request.method !== 'POST' || !isCallName(name)) throw new HttpRefusal(404, 'there is no such call');
    return answerCall(name, await readJson(request));
  }

  async function answerCall<N extends keyof SignerCalls>(name: N, body: unknown): Promise<unknown> {
    const parsed = callSchemas[name].safeParse(body);
    if (!parsed.success) {
      const at = parsed.error.issues[0]?.path.join('.') ?? '';
      throw new HttpRefusal(400, `the request of \`${name}\` is not as agreed${at === '' ? '' : ` at \`${at}\``}`);
    }
    // The schema of a name and the function of the same name agree by the types of both tables.
    const answer = answers[name] as (request: unknown) => unknown;
    return answer(parsed.data);
  }
  return server;
}

function isCallName(name: string): name is keyof SignerCalls {
  return Object.hasOwn(callSchemas, name);
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > signerBodyBytesMax) throw new HttpRefusal(413, `a request has at most ${signerBodyBytesMax} bytes`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw new HttpRefusal(400, 'the request is not JSON');
  }
}

function refusalOf(error: unknown): { status: number; message: string } {
  if (error instanceof HttpRefusal) return { status: error.status, message: error.message };
  if (error instanceof SigningError || error instanceof KeysError || error instanceof CaError)
    return { status: 422, message: error.message };
  process.stderr.write(`nullius: signer: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return { status: 500, message: 'the signer failed; its stderr says why' };
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const type = status === 200 ? 'application/json' : 'application/problem+json';
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
}
