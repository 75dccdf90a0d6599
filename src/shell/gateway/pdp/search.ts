import {
  actionCandidates,
  type Candidates,
  type QuestionAbout,
  resourceCandidates,
  subjectCandidates,
} from '#decision/administration';
import {
  MalformedRequest,
  openPageToken,
  type Properties,
  readSearch,
  type Search,
  type SearchKind,
  sealPageToken,
  searchText,
} from '#enforcement/adapters';
import type { Gate } from '../gate.ts';
import { answerError, answerJson } from './answer.ts';
import { askWhileFresh } from './ask-while-fresh.ts';
import type { KnownCall } from './pdp.ts';
import { recordSearch } from './record-decision.ts';

/** Candidates judged for one page; then the caller gets what was found and where to go on. */
const candidatesMax = 5_000;
/** A search runs at most this long before other work gets its turn. */
const sliceMsMax = 5;
const searchesMax = 8;

let running = 0;

/** `POST /access/v1/search/…`. Throws MalformedRequest. */
export function searchFor(kind: SearchKind) {
  return async (gate: Gate, call: KnownCall, body: Properties): Promise<void> => {
    const search = readSearch(kind, body);
    if (running >= searchesMax) {
      return answerError(call, {
        status: 429,
        words: `More than ${searchesMax} searches run already; try again shortly.`,
      });
    }
    running += 1;
    try {
      const page = await findPage(gate, call, search);
      await recordSearch(gate, call, { search, count: page.results.length });
      answerJson(call, { results: page.results, page: { next_token: page.next, count: page.results.length } });
    } finally {
      running -= 1;
    }
  };
}

interface FoundPage {
  readonly results: readonly unknown[];
  readonly next: string;
}

async function findPage(gate: Gate, call: KnownCall, search: Search): Promise<FoundPage> {
  const { caller } = call;
  const binding = { caller: caller.tokenId, search: searchText(search) };
  const after = await startOf(gate, { search, binding });
  const names = namesOf(gate, candidatesFor(gate, call, search));
  const results: unknown[] = [];
  let at = after === null ? 0 : firstAfter(names, after);
  const end = Math.min(names.length, at + candidatesMax);
  let sliceEnd = performance.now() + sliceMsMax;
  for (; at < end && results.length < search.page.limit; at += 1) {
    const name = names[at] ?? '';
    // The facts may have moved between slices: each candidate is judged as things are then, and in force at the answer's time.
    const needs = gate.pdp.needsFor({ caller, isSearch: true, now: gate.clock() });
    const outcome = askWhileFresh(gate, { needs, about: questionWith(search, name) });
    if ('verdict' in outcome && outcome.verdict.answer === 'allow') results.push(resultOf(gate, search, name));
    if (performance.now() < sliceEnd) continue;
    await new Promise((resolve) => setImmediate(resolve));
    sliceEnd = performance.now() + sliceMsMax;
  }
  const last = names[at - 1];
  const next =
    at < names.length && last !== undefined ? sealPageToken(await gate.pdp.pageKey(), { ...binding, after: last }) : '';
  return { results, next };
}

async function startOf(
  gate: Gate,
  { search, binding }: { search: Search; binding: { caller: string; search: string } },
): Promise<string | null> {
  const { token } = search.page;
  if (token === null) return null;
  const after = openPageToken(await gate.pdp.pageKey(), { ...binding, token });
  if (after === undefined) {
    throw new MalformedRequest('`page.token` is not one that this search gave this caller; begin without it');
  }
  return after;
}

function candidatesFor(gate: Gate, { caller, now }: KnownCall, search: Search): Candidates {
  const looking = gate.pdp.needsFor({ caller, isSearch: true, now });
  switch (search.kind) {
    case 'subject':
      return subjectCandidates(looking, { subjectType: search.subject.type, resource: search.resource });
    case 'resource':
      return resourceCandidates(looking, { resourceType: search.resource.type });
    case 'action':
      return actionCandidates(looking, { resource: search.resource });
  }
}

/** In the order of their characters, which is the order pages go on in. */
function namesOf(gate: Gate, candidates: Candidates): readonly string[] {
  switch (candidates?.from) {
    case undefined:
      return [];
    case 'names':
      return candidates.names;
    case 'users':
      return gate.pdp.names.sorted('user');
    case 'apps':
      return gate.pdp.names.sorted('resource');
    case 'entities':
      return gate.pdp.names.entities(candidates.type);
  }
}

function firstAfter(names: readonly string[], after: string): number {
  let low = 0;
  let high = names.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((names[middle] ?? '') > after) high = middle;
    else low = middle + 1;
  }
  return low;
}

function questionWith(search: Search, name: string): QuestionAbout {
  const { context } = search;
  switch (search.kind) {
    case 'subject':
      return { context, subject: { ...search.subject, id: name }, action: search.action, resource: search.resource };
    case 'resource':
      return { context, subject: search.subject, action: search.action, resource: { ...search.resource, id: name } };
    case 'action':
      return { context, subject: search.subject, action: { name, properties: {} }, resource: search.resource };
  }
}

function resultOf(gate: Gate, search: Search, name: string): unknown {
  if (search.kind === 'action') return { name };
  const { type } = search[search.kind];
  const user = search.kind === 'subject' ? gate.facts.get('user', name) : undefined;
  return user === undefined ? { type, id: name } : { type, id: name, properties: { name: user.name } };
}
