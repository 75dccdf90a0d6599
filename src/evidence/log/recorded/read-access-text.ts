import type { Question, RequestContext } from '#foundation/model';
import { KnownBytes, type PlacedText, type ReadableBytes, readable, textOf } from '../known-bytes.ts';
import { httpActivityClass, type NoQuestion, type RecordedQuestion, recordedQuestion } from './recorded-question.ts';

// What follows a quote and a comma can only be a member of the object: inside a JSON string a quote is escaped.
const requestMark = readable(Buffer.from(',"http_request":{"http_method":"'));
const actorMark = readable(Buffer.from(',"actor":'));
const sourceMark = readable(Buffer.from(',"src_endpoint":{"ip":"'));
const pathMark = readable(Buffer.from(',"path":"'));
const urlMark = '","url":{"scheme":"';
const [quote, backslash] = [0x22, 0x5c];

/** What was answered: the same for a great many. */
interface Head {
  readonly answer: RecordedQuestion['answer'];
  readonly reasons: readonly string[];
}

/** Who asked. */
interface Actor {
  readonly asker: Question['asker'];
  /** The person, when it is one. */
  readonly user: { readonly id: string; readonly name: string } | null;
}

/** What was asked, but for the address it was asked from. */
interface Tail {
  readonly resource: Question['resource'];
  /** The token, when one was shown. */
  readonly asker: Question['asker'] | null;
  readonly action: Question['action'];
  readonly route: string;
  readonly token: string | null;
}

type Parts = Pick<RequestContext, 'method' | 'host' | 'tls'>;

/** A question out of a payload, with the name of who asked. */
export interface ReadAccess extends RecordedQuestion {
  readonly user: Actor['user'];
  /** The token that was shown. */
  readonly token: string | null;
}

/** A question whose request is put together when somebody looks at it: most policies do not. As long as the bytes are good. */
class ReadQuestion implements Question {
  readonly asker: Question['asker'];
  readonly action: Question['action'];
  readonly resource: Question['resource'];
  readonly #bytes: Buffer;
  readonly #parts: Parts;
  readonly #route: string;
  readonly #places: RequestPlaces;

  constructor(
    bytes: Buffer,
    { who, tail, parts, places }: { who: Actor; tail: Tail; parts: Parts; places: RequestPlaces },
  ) {
    this.asker = tail.asker ?? who.asker;
    this.action = tail.action;
    this.resource = tail.resource;
    this.#bytes = bytes;
    this.#parts = parts;
    this.#route = tail.route;
    this.#places = places;
  }

  get request(): RequestContext {
    const { pathStart, pathEnd, addressStart, addressEnd } = this.#places;
    const path = this.#bytes.toString('latin1', pathStart, pathEnd);
    const address = this.#bytes.toString('latin1', addressStart, addressEnd);
    return { ...this.#parts, path, route: this.#route, address, noun: '' };
  }
}

/** Where the texts stand that are seldom the same. */
interface RequestPlaces {
  readonly pathStart: number;
  readonly pathEnd: number;
  readonly addressStart: number;
  readonly addressEnd: number;
}

function userOf(payload: { actor?: { user?: { uid?: unknown; name?: unknown } } }): Actor['user'] {
  const user = payload.actor?.user;
  return typeof user?.uid === 'string' ? { id: user.uid, name: typeof user.name === 'string' ? user.name : '' } : null;
}

/**
 * Reads many payloads of requests to apps. Most of a payload is the same text again and again (who, what decided, where): each such
 * text is parsed once. Gives what `recordedQuestion` gives, which is its reference and reads everything unusual.
 */
export class AccessReader {
  readonly #heads = new KnownBytes((text) => readHead(text.toString('utf8')));
  readonly #actors = new KnownBytes((text) => readActor(text.toString('utf8')));
  readonly #tails = new KnownBytes((text) => readTail(text.toString('utf8')));
  readonly #requests = new KnownBytes((text) => readRequest(text.toString('utf8')));

  /** The question is good as long as the bytes are. */
  read(payload: PlacedText, time: number): ReadAccess | NoQuestion {
    return this.#quickly(payload, time) ?? slowly(textOf(payload), time);
  }

  #quickly(payload: PlacedText, time: number): ReadAccess | undefined {
    const { bytes, start, end } = payload;
    const actor = findText(payload, actorMark, start);
    const request = findText(payload, requestMark, actor);
    const path = findText(payload, pathMark, request);
    const pathStart = path + pathMark.bytes.byteLength;
    const pathEnd = endOfPlain(payload, pathStart);
    const source = findText(payload, sourceMark, pathEnd);
    const addressStart = source + sourceMark.bytes.byteLength;
    const addressEnd = endOfPlain(payload, addressStart);
    // Where one is not found, none behind it is.
    if (addressEnd === end) return undefined;
    const head = this.#heads.of(payload, start, actor);
    const who = this.#actors.of(payload, actor + 1, request);
    const tail = this.#tails.of(payload, addressEnd, end - 1);
    const parts = this.#requests.of(payload, request + requestMark.bytes.byteLength, path);
    if (head === null || who === null || tail === null || parts === null) return undefined;
    const places = { pathStart, pathEnd, addressStart, addressEnd };
    return {
      question: new ReadQuestion(bytes, { who, tail, parts, places }),
      time,
      answer: head.answer,
      reasons: head.reasons,
      isPathCut: false,
      user: who.user,
      token: tail.token,
    };
  }
}

/** Where a text that is longer than a word stands first, from `start` on; the end of the payload when it does not. */
function findText({ view, end }: PlacedText, { bytes, view: wanted }: ReadableBytes, start: number): number {
  const length = bytes.byteLength;
  const first = wanted.getUint32(0, true);
  for (let at = start, last = end - length; at <= last; at += 1) {
    if (view.getUint32(at, true) === first && hasText(view, wanted, at)) return at;
  }
  return end;
}

function hasText(view: DataView, wanted: DataView, at: number): boolean {
  const length = wanted.byteLength;
  for (let index = 4; index + 4 <= length; index += 4) {
    if (view.getUint32(at + index, true) !== wanted.getUint32(index, true)) return false;
  }
  return view.getUint32(at + length - 4, true) === wanted.getUint32(length - 4, true);
}

/** Where a JSON string that begins here ends; the end of the payload unless it is ASCII without escapes: a path that was cut is not. */
function endOfPlain({ bytes, end }: PlacedText, start: number): number {
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at] ?? backslash;
    if (byte === quote) return at;
    if (byte >= 0x80 || byte === backslash) return end;
  }
  return end;
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

const noActor = { actor: {} };
const anyHead = { action_id: 1 };
/** Members that are read out of what stands before. */
const tailForbidden = ['count', 'actor', 'http_request', 'action_id', 'disposition_id', 'authorizations'];

const anyTail = {
  http_request: { http_method: 'GET', url: { scheme: 'http', hostname: '', path: '/' } },
  src_endpoint: { ip: '' },
  dst_endpoint: { svc_name: '' },
  unmapped: { action: 'read', route: '' },
};

function readHead(text: string): Head | null {
  const payload = parse(`${text}}`);
  // Errors of policies stand in `unmapped`, which comes again behind: unusual.
  if (payload === undefined || 'unmapped' in payload || 'count' in payload) return null;
  const asked = recordedQuestion({
    classUid: httpActivityClass,
    time: 0,
    payload: { ...payload, ...noActor, ...anyTail },
  });
  return typeof asked === 'string' ? null : { answer: asked.answer, reasons: asked.reasons };
}

function readActor(text: string): Actor | null {
  const payload = parse(`{${text}}`);
  if (payload === undefined || Object.keys(payload).length !== 1) return null;
  const asked = recordedQuestion({
    classUid: httpActivityClass,
    time: 0,
    payload: { ...anyHead, ...payload, ...anyTail },
  });
  return typeof asked === 'string' ? null : { asker: asked.question.asker, user: userOf(payload) };
}

/** `text` goes on behind the address. */
function readTail(text: string): Tail | null {
  const payload = parse(`{"src_endpoint":{"ip":"${text}}`);
  // A head that stands behind would count, and an actor.
  if (payload === undefined || tailForbidden.some((name) => name in payload)) return null;
  const whole = { ...anyHead, ...noActor, http_request: anyTail.http_request, ...payload };
  const asked = recordedQuestion({ classUid: httpActivityClass, time: 0, payload: whole });
  if (typeof asked === 'string') return null;
  const { asker, action, resource, request } = asked.question;
  const [shown, token] = asker.kind === 'token' ? [asker, asker.tokenId] : [null, null];
  return { resource, action, route: request.route, asker: shown, token };
}

function readRequest(text: string): { method: string; host: string; tls: boolean } | null {
  const url = text.indexOf(urlMark);
  const request =
    url < 0
      ? undefined
      : parse(`{"method":"${text.slice(0, url)}","url":{"scheme":"${text.slice(url + urlMark.length)}}}`);
  const { method, url: parts } = (request ?? {}) as {
    method?: unknown;
    url?: { scheme?: unknown; hostname?: unknown };
  };
  if (typeof method !== 'string' || typeof parts?.hostname !== 'string') return null;
  return { method, host: parts.hostname, tls: parts.scheme === 'https' || parts.scheme === 'wss' };
}

function slowly(text: string, time: number): ReadAccess | NoQuestion {
  const payload = parse(text);
  if (payload === undefined) return 'other';
  const asked = recordedQuestion({ classUid: httpActivityClass, time, payload });
  if (typeof asked === 'string') return asked;
  const { asker } = asked.question;
  return { ...asked, user: userOf(payload), token: asker.kind === 'token' ? asker.tokenId : null };
}
