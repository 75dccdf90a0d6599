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

/** A name that people choose, of nothing there is: the nearest one is told to whoever may read those names (see dispatch). */
export interface MissingName {
  readonly kind: 'group' | 'segment' | 'resource';
  readonly id: string;
}

export class ApiProblem extends Error {
  readonly details: ProblemDetails;

  /** What was named and is not there. */
  readonly missing: MissingName | undefined;

  constructor(details: ProblemDetails, missing?: MissingName) {
    super(details.detail);
    this.name = 'ApiProblem';
    this.details = details;
    this.missing = missing;
  }
}

/** As problem(), of a name that is not there. */
export function missingName(missing: MissingName, [status, code, detail]: Parameters<typeof problem>): ApiProblem {
  return new ApiProblem({ status, code, detail }, missing);
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

/** Not every refusal has an event: what reaches no app is summed up. */
export function noEvent(id: string): ApiProblem {
  return withMore(notFound('event', id), '; requests that reach no app are counted, not kept one by one');
}

/** The same problem with more words at its end, wherever it is told. */
export function withMore({ details }: ApiProblem, words: string): ApiProblem {
  const errors = details.errors?.map(({ path, message }) => ({ path, message: `${message}${words}` }));
  return new ApiProblem({
    ...details,
    detail: `${details.detail}${words}`,
    ...(errors === undefined ? {} : { errors }),
  });
}

/** `; the nearest is …`, or nothing where none is near. */
export function nearestWords(id: string, known: Iterable<string>): string {
  const nearest = nearestWord(id, known);
  if (nearest === id) return '; that is a name, and here goes the id that belongs to it';
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
