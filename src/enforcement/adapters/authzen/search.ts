import {
  type Evaluation,
  MalformedRequest,
  member,
  type NamedEntity,
  noProperties,
  objectMember,
  type Properties,
  readAction,
  readEntity,
  readProperties,
  requireObject,
  requireText,
} from './evaluation.ts';

/** Results on one page. */
export const pageLimitMax = 1_000;
const pageLimitDefault = 100;
const pageTokenLengthMax = 8_192;
/** Characters of a search without its page: each of thousands of candidates is judged with all of them. */
const searchLengthMax = 16_384;

export type SearchKind = 'subject' | 'resource' | 'action';

/** An entity of which only the type is given: what is searched for. */
export interface SoughtEntity {
  readonly type: string;
  readonly properties: Properties;
}

export interface Page {
  /** As the caller gave it: attacker-controlled until it is opened. */
  readonly token: string | null;
  readonly limit: number;
}

/** One of the three searches, section 8, with the sought part left open. */
export type Search = { readonly page: Page; readonly context: Properties } & (
  | {
      readonly kind: 'subject';
      readonly subject: SoughtEntity;
      readonly action: Evaluation['action'];
      readonly resource: NamedEntity;
    }
  | {
      readonly kind: 'resource';
      readonly subject: NamedEntity;
      readonly action: Evaluation['action'];
      readonly resource: SoughtEntity;
    }
  | { readonly kind: 'action'; readonly subject: NamedEntity; readonly resource: NamedEntity }
);

/** Reads a search request, sections 8.4 to 8.6; the id of what is sought is ignored. Throws MalformedRequest. */
export function readSearch(kind: SearchKind, request: Properties): Search {
  const search = readParts(kind, request);
  if (searchText(search).length <= searchLengthMax) return search;
  throw new MalformedRequest(`a search without its page may be ${searchLengthMax} characters of JSON at most`);
}

function readParts(kind: SearchKind, request: Properties): Search {
  const common = { page: readPage(request), context: objectMember(request, 'context') ?? noProperties };
  switch (kind) {
    case 'subject':
      return {
        ...common,
        kind,
        subject: readSought(request, kind),
        action: readAction(request),
        resource: readEntity(request, 'resource'),
      };
    case 'resource':
      return {
        ...common,
        kind,
        subject: readEntity(request, 'subject'),
        action: readAction(request),
        resource: readSought(request, kind),
      };
    case 'action':
      return { ...common, kind, subject: readEntity(request, 'subject'), resource: readEntity(request, 'resource') };
  }
}

function readSought(request: Properties, name: 'subject' | 'resource'): SoughtEntity {
  const entity = requireObject(member(request, name), name);
  return { type: requireText(entity, { name: 'type', path: `${name}.type` }), properties: readProperties(entity) };
}

/** Section 8.2.1. Earlier drafts name the token `next_token`, which is taken as well. */
function readPage(request: Properties): Page {
  const page = objectMember(request, 'page') ?? noProperties;
  const token = member(page, 'token') ?? member(page, 'next_token') ?? null;
  if (token !== null && (typeof token !== 'string' || token.length > pageTokenLengthMax)) {
    throw new MalformedRequest('`page.token` must be a token that an earlier answer gave');
  }
  const limit = member(page, 'limit') ?? pageLimitDefault;
  if (typeof limit !== 'number' || !Number.isSafeInteger(limit) || limit < 1) {
    throw new MalformedRequest('`page.limit` must be a whole number from 1');
  }
  return { token: token === '' ? null : token, limit: Math.min(limit, pageLimitMax) };
}

/** What a page token is bound to besides its caller: the request without its page. */
export function searchText(search: Search): string {
  const { page: _page, ...asked } = search;
  return JSON.stringify(asked);
}
