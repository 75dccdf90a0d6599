import type { z } from 'zod';
import type { GateProgress } from '#foundation/model';
import type { Caller } from './caller.ts';
import type { ApiServices } from './services.ts';

/** What policies see as `context.noun`. */
export const nouns = [
  'me',
  'overview',
  'user',
  'invitation',
  'group',
  'resource',
  'segment',
  'session',
  'token',
  'grant',
  'policy',
  'policy-override',
  'event',
  'key',
  'gateway',
  'pdp',
  'entity',
] as const;
export type Noun = (typeof nouns)[number];

/** A parsed, authorised request. */
export interface Call<Params, Query, Body> {
  readonly services: ApiServices;
  readonly caller: Caller;
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  /** Revision that `If-Match` asks for. */
  readonly ifMatch: number | undefined;
  /** Aborted when the caller goes away before the answer. */
  readonly signal: AbortSignal;
  /** Tells how far it is, where the route `tellsProgress` and the caller wants to hear of it. */
  readonly onProgress: (progress: GateProgress) => void;
}

/** `body` null with status 204. `revision` becomes the ETag. */
export type Answered<Answer> =
  | { readonly body: Answer; readonly revision?: number }
  | { readonly stream: ReadableStream<Uint8Array> };

export interface RouteSpec<Params, Query, Body, Answer> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Under `/api/v1`; parameters as `:name`. */
  readonly path: string;
  readonly noun: Noun;
  /** Judged by policy as `administer-read` or `administer-write`. */
  readonly action: 'read' | 'write';
  readonly summary: string;
  readonly params?: z.ZodType<Params>;
  readonly query?: z.ZodType<Query>;
  readonly body?: z.ZodType<Body>;
  /** Bytes of a body; 1 MiB unless told. */
  readonly bodyBytesMax?: number;
  readonly answer: z.ZodType<Answer>;
  readonly status?: 200 | 201 | 204;
  readonly contentType?: 'text/event-stream';
  /** It takes its time: whoever accepts `text/event-stream` alone hears how far it is, then the answer or the problem as an event. */
  readonly tellsProgress?: boolean;
  /** The operator of this machine may do it although policy says no: the way back after a lock-out. Loud in the log. */
  readonly isWayBack?: boolean;
  handle(call: Call<Params, Query, Body>): Promise<Answered<Answer>>;
}

/** A route in the table: its types have done their work. */
export type Route = RouteSpec<unknown, unknown, unknown, unknown>;

/** Declares a route. Noun and action cannot be left out, so no route escapes policy. */
export function route<Params = Record<never, never>, Query = Record<never, never>, Body = null, Answer = unknown>(
  spec: RouteSpec<Params, Query, Body, Answer>,
): Route {
  return spec as Route;
}

/** Is one of what this route makes read by a route of its own? */
export const isReadById = (routes: readonly Route[], { path }: Route): boolean =>
  routes.some((each) => each.method === 'GET' && each.path === `${path}/:id`);
