import type { IncomingMessage, ServerResponse } from 'node:http';
import type { z } from 'zod';
import { IdentityError } from '../identity-error.ts';
import { bodyBytesMax } from '../session-policy.ts';

/** One request at the sign-in site, its path parsed. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  /** Path segments, without the leading empty one. */
  readonly segments: readonly string[];
  /** Our own cookies, as the airlock let them in. */
  readonly cookies: ReadonlyMap<string, string>;
  readonly address: string;
  readonly userAgent: string;
}

/** Reads a JSON body (attacker-controlled) of at most 64 KiB and parses it by a schema. */
export async function readJson<T extends z.ZodType>(request: IncomingMessage, schema: T): Promise<z.infer<T>> {
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') throw new IdentityError('invalid-request', 'the body must be `application/json`');
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > bodyBytesMax) throw new IdentityError('too-large', `the body is larger than ${bodyBytesMax} bytes`);
    chunks.push(chunk);
  }
  let value: unknown;
  try {
    value = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (cause) {
    throw new IdentityError('invalid-request', 'the body is not JSON', { cause });
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new IdentityError('invalid-request', 'the body does not have the expected fields');
  return parsed.data;
}

export function answerJson(exchange: Exchange, value: unknown): void {
  const body = JSON.stringify(value);
  exchange.response.writeHead(200, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
  });
  exchange.response.end(body);
}

export function redirect(exchange: Exchange, location: string): void {
  exchange.response.writeHead(303, { location, 'content-length': 0, 'cache-control': 'no-store' });
  exchange.response.end();
}

/** An RFC 9457 problem document. */
export function answerProblem(response: ServerResponse, error: IdentityError): void {
  const body = JSON.stringify({
    type: 'about:blank',
    title: error.code,
    status: error.status,
    code: error.code,
    detail: error.message,
  });
  response.writeHead(error.status, {
    'content-type': 'application/problem+json',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
  });
  response.end(body);
}
