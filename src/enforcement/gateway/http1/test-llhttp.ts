// The slow, obvious reference for reading HTTP/1.1: Node's own parser, llhttp, driven directly. Tests only.
import { createRequire } from 'node:module';

/** What llhttp made of some bytes of one answer, up to the end of its first final message. */
export interface LlhttpAnswer {
  readonly status: number;
  readonly rawHeaders: readonly string[];
  readonly rawTrailers: readonly string[];
  readonly body: string;
  readonly keepsAlive: boolean;
  readonly isWhole: boolean;
  /** The status of interim answers before it. */
  readonly interims: readonly number[];
  readonly isBroken: boolean;
}

interface Parser {
  initialize(type: number, resource: object, maxHeaderSize: number, lenient: number): void;
  execute(bytes: Buffer): number | Error;
  finish(): Error | undefined;
  [callback: number]: unknown;
}
interface ParserClass {
  new (): Parser;
  readonly RESPONSE: number;
  readonly kOnHeaders: number;
  readonly kOnHeadersComplete: number;
  readonly kOnBody: number;
  readonly kOnMessageComplete: number;
}
const { HTTPParser } = createRequire(import.meta.url)('_http_common') as { HTTPParser: ParserClass };

/** Reads an answer to a request of this method; `isClosed` says that the connection ends behind these bytes. */
export function readByLlhttp(
  bytes: Buffer,
  { method, isClosed }: { readonly method: string; readonly isClosed: boolean },
): LlhttpAnswer {
  const parser = new HTTPParser();
  parser.initialize(HTTPParser.RESPONSE, {}, 32 * 1024, 0);
  let flushed: string[] = [];
  let seen = { status: 0, rawHeaders: [] as string[], keepsAlive: false };
  const answer = { rawTrailers: [] as string[], body: '', isWhole: false, interims: [] as number[] };
  parser[HTTPParser.kOnHeaders] = (headers: string[]) => {
    flushed.push(...headers);
  };
  parser[HTTPParser.kOnHeadersComplete] = (
    ...[, , headers, , , status, , , keepsAlive]: [
      number,
      number,
      string[] | undefined,
      unknown,
      unknown,
      number,
      string,
      boolean,
      boolean,
    ]
  ) => {
    // Only the first final answer counts; what comes after it is another message.
    if (answer.isWhole) return 0;
    seen = { status, rawHeaders: [...flushed, ...(headers ?? [])], keepsAlive };
    flushed = [];
    return method === 'HEAD' || (status >= 100 && status < 200) ? 1 : 0;
  };
  parser[HTTPParser.kOnBody] = (chunk: Buffer) => {
    if (!answer.isWhole) answer.body += chunk.toString('latin1');
  };
  parser[HTTPParser.kOnMessageComplete] = () => {
    if (answer.isWhole) return;
    if (seen.status < 200) {
      answer.interims.push(seen.status);
      seen = { status: 0, rawHeaders: [], keepsAlive: false };
    } else {
      answer.isWhole = true;
      answer.rawTrailers = flushed;
    }
    flushed = [];
  };
  const result = parser.execute(bytes);
  const isBroken = result instanceof Error || (isClosed && !answer.isWhole && parser.finish() instanceof Error);
  return { ...seen, ...answer, isBroken };
}
