import { request as httpRequest, type IncomingHttpHeaders, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { SoftAuthenticator } from './soft-authenticator.ts';

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface PasskeyClientOptions {
  /** Origin of the sign-in site, `http://id.localhost:8080`. */
  readonly issuer: string;
  /**
   * Where requests really go: `{ host: '127.0.0.1' }` (with the URL's port, or another) or `{ socketPath }`; the Host header
   * and, over TLS, the server name say the rest. `ca`: the PEM to trust for `https:`.
   */
  readonly connect: Pick<RequestOptions, 'host' | 'port' | 'socketPath'> & {
    readonly ca?: string;
    /** Hosts that are reached elsewhere: host name to address. */
    readonly hosts?: Readonly<Record<string, string>>;
  };
}

interface Call {
  readonly method?: string;
  readonly body?: unknown;
  /** Fields of a form, instead of a body. */
  readonly form?: Readonly<Record<string, string>>;
  readonly headers?: Record<string, string>;
}

/** A browser of one person, as far as sign-in is concerned: cookies per host, Fetch Metadata, a passkey provider. */
export class PasskeyClient {
  readonly authenticator: SoftAuthenticator;
  readonly #issuer: string;
  readonly #connect: PasskeyClientOptions['connect'];
  readonly #jars = new Map<string, Map<string, string>>();

  constructor(options: PasskeyClientOptions) {
    this.#issuer = options.issuer;
    this.#connect = options.connect;
    this.authenticator = new SoftAuthenticator(options.issuer);
  }

  /** The cookies held for a host, by name. */
  cookies(host: string): Map<string, string> {
    const jar = this.#jars.get(host) ?? new Map<string, string>();
    this.#jars.set(host, jar);
    return jar;
  }

  /** One request, redirects not followed. A body, JSON or a form, is sent from a page of the same origin. */
  async send(url: string, call: Call = {}): Promise<Reply> {
    const target = new URL(url);
    const jar = this.cookies(target.host);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const form = call.form === undefined ? undefined : new URLSearchParams(call.form).toString();
    const body = form ?? (call.body === undefined ? undefined : JSON.stringify(call.body));
    const type = form === undefined ? 'application/json' : 'application/x-www-form-urlencoded';
    const headers: Record<string, string> = {
      host: target.host,
      ...(cookie === '' ? {} : { cookie }),
      ...(body === undefined ? {} : { 'content-type': type, 'content-length': String(Buffer.byteLength(body)) }),
      ...(body === undefined
        ? { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate', accept: 'text/html' }
        : { 'sec-fetch-site': 'same-origin', origin: target.origin }),
      ...call.headers,
    };
    const { hosts, ...connect } = this.#connect;
    const host = hosts?.[target.hostname];
    const reply = await new Promise<Reply>((resolve, reject) => {
      const isTls = target.protocol === 'https:';
      const request = (isTls ? httpsRequest : httpRequest)(
        {
          port: target.port,
          ...connect,
          ...(host === undefined ? {} : { host }),
          ...(isTls ? { servername: target.hostname } : {}),
          method: call.method ?? (body === undefined ? 'GET' : 'POST'),
          path: target.pathname + target.search,
          headers,
          agent: false,
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () =>
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              body: Buffer.concat(chunks).toString('utf8'),
            }),
          );
        },
      );
      request.on('error', reject);
      request.end(body);
    });
    for (const line of reply.headers['set-cookie'] ?? []) keepCookie(jar, line);
    return reply;
  }

  /** A JSON call at the sign-in site; throws with the problem's words unless it was answered 2xx. */
  async call<T = Record<string, unknown>>(path: string, body?: unknown): Promise<T> {
    const reply = await this.send(`${this.#issuer}${path}`, body === undefined ? {} : { body });
    if (reply.status !== 200) throw new Error(`${path}: ${reply.status} ${reply.body.slice(0, 300)}`);
    return JSON.parse(reply.body) as T;
  }

  /** Registers a passkey by a one-time link (`…/enrol#token`) and is then signed in at the sign-in site. */
  async enrol(link: string, person: { name: string; displayName?: string }): Promise<void> {
    const token = new URL(link).hash.slice(1);
    const names = { name: person.name, displayName: person.displayName ?? person.name };
    const options = await this.call<Parameters<SoftAuthenticator['create']>[0]>('/enrol/options', { token, ...names });
    await this.call('/enrol/passkey', { token, ...names, response: this.authenticator.create(options) });
  }

  /**
   * Follows redirects from the provider's authorization URL to the app's callback, using the passkey when asked.
   * Gives the callback URL, which is not requested.
   */
  async authorize(location: string): Promise<string> {
    let next = location;
    for (let hop = 0; hop < 10; hop += 1) {
      const url = new URL(next);
      if (url.origin !== this.#issuer) return next;
      const [, first, uid] = url.pathname.split('/');
      if (first === 'interaction') {
        const path = `/interaction/${uid}/passkey`;
        const options = await this.call<Parameters<SoftAuthenticator['get']>[0]>(`${path}/options`, {});
        next = (await this.call<{ location: string }>(path, this.authenticator.get(options))).location;
        continue;
      }
      const reply = await this.send(next);
      const target = reply.headers.location;
      if (target === undefined) throw new Error(`${next}: ${reply.status} ${reply.body.slice(0, 300)}`);
      next = new URL(target, next).href;
    }
    throw new Error('too many redirects');
  }

  /** Signs in to an app host through the gateway; the app cookie is then in `cookies(host)`. Gives the page's reply. */
  async open(appOrigin: string, path = '/'): Promise<Reply> {
    const begun = await this.send(`${appOrigin}/.nullius/sign-in?return_to=${encodeURIComponent(path)}`);
    const location = begun.headers.location;
    if (location === undefined) throw new Error(`sign-in did not begin: ${begun.status} ${begun.body.slice(0, 300)}`);
    const callback = await this.send(await this.authorize(location));
    if (callback.headers.location === undefined) {
      throw new Error(`sign-in did not finish: ${callback.status} ${callback.body.slice(0, 300)}`);
    }
    return this.send(new URL(callback.headers.location, appOrigin).href);
  }
}

function keepCookie(jar: Map<string, string>, line: string): void {
  const [pair = '', ...attributes] = line.split(';').map((part) => part.trim());
  const equals = pair.indexOf('=');
  const name = pair.slice(0, equals);
  if (attributes.some((attribute) => attribute.toLowerCase() === 'max-age=0')) jar.delete(name);
  else jar.set(name, pair.slice(equals + 1));
}
