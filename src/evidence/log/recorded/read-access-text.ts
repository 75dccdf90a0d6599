import type { Question } from '#foundation/model';
import { httpActivityClass, type NoQuestion, type RecordedQuestion, recordedQuestion } from './recorded-question.ts';

// What follows a quote and a comma can only be a member of the object: inside a JSON string a quote is escaped.
const requestMark = ',"http_request":{"http_method":"';
const actorMark = ',"actor":';
const sourceMark = ',"src_endpoint":{"ip":"';
const urlMark = '","url":{"scheme":"';
const pathMark = ',"path":"';
/** Texts of one kind that are kept with what they say. */
const keptMax = 20_000;

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

/** A question out of a payload, with the name of who asked. */
export interface ReadAccess extends RecordedQuestion {
  readonly user: Actor['user'];
  /** The token that was shown. */
  readonly token: string | null;
}

/** What texts of one kind say, by their bytes. */
class Kept<T> {
  readonly #known = new Map<string, T>();
  readonly #make: (text: string) => T;

  constructor(make: (text: string) => T) {
    this.#make = make;
  }

  /** `text`: the payload with one character for each byte, so that no two texts are the same. */
  of({ payload, text }: { payload: Buffer; text: string }, start: number, end: number): T {
    let value = this.#known.get(text.slice(start, end));
    if (value === undefined) {
      if (this.#known.size >= keptMax) this.#known.clear();
      value = this.#make(payload.toString('utf8', start, end));
      // A slice would keep the whole payload.
      this.#known.set(payload.toString('latin1', start, end), value);
    }
    return value;
  }
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
  readonly #heads = new Kept(readHead);
  readonly #actors = new Kept(readActor);
  readonly #tails = new Kept(readTail);
  readonly #requests = new Kept(readRequest);

  /** `payload`: the JSON of one event. */
  read(payload: Buffer, time: number): ReadAccess | NoQuestion {
    return this.#quickly(payload, time) ?? slowly(payload.toString('utf8'), time);
  }

  #quickly(payload: Buffer, time: number): ReadAccess | undefined {
    const text = payload.toString('latin1');
    const actor = text.indexOf(actorMark);
    const request = actor < 0 ? -1 : text.indexOf(requestMark, actor);
    const source = request < 0 ? -1 : text.indexOf(sourceMark, request);
    const path = source < 0 ? -1 : text.indexOf(pathMark, request);
    if (path < 0 || path > source) return undefined;
    const pathStart = path + pathMark.length;
    const pathEnd = text.indexOf('"', pathStart);
    const addressStart = source + sourceMark.length;
    const addressEnd = text.indexOf('"', addressStart);
    // Escapes, and anything but ASCII, are unusual there.
    if (!isPlain(text, pathStart, pathEnd) || !isPlain(text, addressStart, addressEnd)) return undefined;
    const both = { payload, text };
    const head = this.#heads.of(both, 0, actor);
    const who = this.#actors.of(both, actor + 1, request);
    const tail = this.#tails.of(both, addressEnd, payload.byteLength - 1);
    const parts = this.#requests.of(both, request + requestMark.length, path);
    if (head === null || who === null || tail === null || parts === null) return undefined;
    const { method, host, tls } = parts;
    const address = text.slice(addressStart, addressEnd);
    return {
      question: {
        asker: tail.asker ?? who.asker,
        action: tail.action,
        resource: tail.resource,
        request: { method, host, path: text.slice(pathStart, pathEnd), route: tail.route, address, tls, noun: '' },
      },
      time,
      answer: head.answer,
      reasons: head.reasons,
      isPathCut: false,
      user: who.user,
      token: tail.token,
    };
  }
}

/** Is it ASCII without escapes? A path that was cut is not. */
function isPlain(text: string, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) {
    const code = text.charCodeAt(at);
    if (code >= 0x80 || code === 0x5c) return false;
  }
  return true;
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
