import { nearestWord } from '../../config/nearest.ts';
/** What the API refuses, as RFC 9457 tells it. `code` is stable and for programs, `detail` for people. */
export interface ProblemDetails {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly errors?: readonly { readonly path: string; readonly message: string }[];
  readonly words?: readonly string[];
  readonly remedies?: readonly { readonly kind: string; readonly words: string }[];
  readonly correlationId?: string;
}

const titles: Readonly<Record<number, string>> = {
  400: 'The request is not valid',
  401: 'Nobody is signed in',
  403: 'Not allowed',
  404: 'Not found',
  405: 'Not a method of this resource',
  409: 'It conflicts with what is there',
  412: 'It has changed meanwhile',
  413: 'The request is too large',
  415: 'Only JSON is understood',
  500: 'Something failed here',
  503: 'It cannot be done now',
  507: 'There is no space left',
};

export class ApiProblem extends Error {
  readonly details: ProblemDetails;

  constructor(details: ProblemDetails) {
    super(details.detail);
    this.name = 'ApiProblem';
    this.details = details;
  }
}

/** Shorthand: `throw problem(404, 'not-found', 'there is no …')`. */
export function problem(status: number, code: string, detail: string): ApiProblem {
  return new ApiProblem({ status, code, detail });
}

/**
 * There is no such thing; the id is attacker-controlled and bounded by the route's schema.
 * `known`: names that the caller may read, of which the nearest is told.
 */
export function notFound(noun: string, id: string, known: Iterable<string> = []): ApiProblem {
  return problem(
    404,
    'not-found',
    `there is no ${noun.replaceAll('-', ' ')} \`${id.slice(0, 200)}\`${nearestWords(id, known)}`,
  );
}

/** `; the nearest is …`, or nothing where none is near. */
export function nearestWords(id: string, known: Iterable<string>): string {
  const nearest = nearestWord(id, known);
  return nearest === undefined ? '' : `; the nearest is \`${nearest}\``;
}

export function problemResponse(details: ProblemDetails): Response {
  const title = titles[details.status] ?? 'Refused';
  const { status, code, ...rest } = details;
  return new Response(JSON.stringify({ type: `urn:nullius:problem:${code}`, title, status, code, ...rest }), {
    status,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    },
  });
}
