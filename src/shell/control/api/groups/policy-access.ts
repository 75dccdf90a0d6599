import { z } from 'zod';
import { type AccessSubject, type Answer, type SubjectAnswer, subjectKey, whatCan, whoCan } from '#decision/analysis';
import type {
  AccessBasis,
  AccessPage,
  AnswerCounts,
  DecidingPolicy,
  Question,
  SubjectView,
  WhatAnswer,
  WhoItem,
} from '#foundation/model';
import { accessActions, accessPlaces, accessQuestion, controlResource, namedSubject } from '../access-questions.ts';
import { mayAdminister } from '../authorise.ts';
import type { Caller } from '../caller.ts';
import { factsStandingStill } from '../facts-at.ts';
import { pageQuery, paginate } from '../page.ts';
import { readsInForce } from '../policies-read.ts';
import { ApiProblem, problem } from '../problem.ts';
import { nouns, type Route, route } from '../route.ts';
import type { ApiServices } from '../services.ts';

/** Subjects or places judged in one turn of the event loop. */
const judgedPerTurn = 200;
const yieldTurn = () => new Promise((resolve) => setImmediate(resolve));

/** Pages of one question come one after the other: what was judged is kept for so many questions, for so long. */
const keptQuestionsMax = 4;
const keptMsMax = 30_000;

/** Questions judged at once: each judges everybody, or somebody everywhere. */
export const reverseQuestionsMax = 4;
let running = 0;

/** Runs one of few. Throws ApiProblem 503. */
async function oneOfFew<T>(work: () => Promise<T>): Promise<T> {
  if (running >= reverseQuestionsMax) {
    throw problem(503, 'too-many', `${reverseQuestionsMax} such questions are being judged already; try again shortly`);
  }
  running += 1;
  try {
    return await work();
  } finally {
    running -= 1;
  }
}

const answerSchema = z.enum(['allow', 'deny', 'indeterminate']);
const countsSchema = z.strictObject({ allow: z.int(), deny: z.int(), indeterminate: z.int() });
const subjectFields = {
  kind: z.enum(['stranger', 'operator', 'user', 'token']),
  /** Of the user or the token; empty for others. */
  id: z.string(),
  /** Login name of the user; label of the token. */
  name: z.string(),
  displayName: z.string(),
  /** Of a token: as whom it acts. */
  owner: z.strictObject({ type: z.string(), id: z.string() }).nullable(),
};
const basisSchema = z.enum(['session', 'sign-in', 'stranger', 'token', 'operator']);
const policySchema = z.strictObject({
  id: z.string(),
  file: z.string(),
  effect: z.enum(['permit', 'forbid']),
  description: z.string(),
});
const common = {
  /** When it was judged, and by what. */
  judgedAt: z.int(),
  policySequence: z.int(),
  factRevision: z.int(),
  /** Every policy that decided something on this page. */
  policies: z.array(policySchema),
  next: z.string().nullable(),
};

interface Asked {
  readonly question: {
    readonly action: string;
    readonly resource: string;
    readonly route: string;
    readonly noun: string;
  };
}
const whoAnswer: z.ZodType<AccessPage<WhoItem> & Asked> = z.strictObject({
  question: z.strictObject({ action: z.string(), resource: z.string(), route: z.string(), noun: z.string() }),
  /** Of all subjects, whatever is listed. */
  counts: countsSchema,
  items: z.array(
    z.strictObject({
      ...subjectFields,
      /** From their newest session, or as if they had just signed in; a token by its scopes. */
      basis: basisSchema,
      answer: answerSchema,
      reasons: z.array(z.string()),
    }),
  ),
  ...common,
});
const whatAnswer: z.ZodType<WhatAnswer> = z.strictObject({
  subject: z.strictObject(subjectFields),
  basis: basisSchema,
  /** Of all actions everywhere, whatever is listed. */
  counts: countsSchema,
  items: z.array(
    z.strictObject({
      resource: z.string(),
      /** Labels of the app's routes where the answers are these; nouns of the administration API. */
      parts: z.array(z.string()),
      actions: z.array(z.strictObject({ action: z.string(), answer: answerSchema, reasons: z.array(z.string()) })),
    }),
  ),
  ...common,
});

/** It names people, tokens and policies: whoever may not read those does not get them by way of a question. */
export function checkAccessRights(services: ApiServices, caller: Caller): void {
  for (const noun of ['user', 'group', 'token', 'policy', 'resource', 'grant'] as const) {
    if (mayAdminister(services, caller, { noun, action: 'read' })) continue;
    throw new ApiProblem({
      status: 403,
      code: 'denied',
      detail: `the answer names people, tokens, apps and policies, and you may not read \`${noun}\` here`,
    });
  }
}

function viewSubject(subject: AccessSubject): SubjectView {
  const { kind } = subject;
  if (kind === 'user') {
    const { id, body } = subject.person;
    return { kind, id, name: body.name, displayName: body.displayName, owner: null };
  }
  if (kind === 'token') {
    const { id, label, owner } = subject;
    return { kind, id, name: label, displayName: '', owner };
  }
  return { kind, id: '', name: kind === 'operator' ? 'local-operator' : '', displayName: '', owner: null };
}

function decidingPolicies(services: ApiServices, reasons: Iterable<string>): DecidingPolicy[] {
  const compiled = services.policies()?.compiled.policies;
  return [...new Set(reasons)].sort().flatMap((id) => {
    const policy = compiled?.get(id);
    if (policy === undefined) return [];
    const { file, effect, description } = policy;
    return [{ id, file, effect, description }];
  });
}

interface Judged {
  readonly at: number;
  readonly sequence: number;
  readonly revision: number;
  readonly all: readonly SubjectAnswer[];
}
const kept = new WeakMap<ApiServices, Map<string, Judged>>();

/** Everybody's answer; the next pages of the same question find it as it was judged for the first. */
async function judgeAll(
  services: ApiServices,
  { question, isFirst, signal }: { question: Omit<Question, 'asker'>; isFirst: boolean; signal: AbortSignal },
): Promise<Judged> {
  const ours = kept.get(services) ?? new Map<string, Judged>();
  kept.set(services, ours);
  const key = JSON.stringify(question);
  const now = services.clock();
  for (const [each, { at }] of ours) if (now - at >= keptMsMax || now < at) ours.delete(each);
  const known = ours.get(key);
  if (known !== undefined && !isFirst) return known;
  const judged = await oneOfFew(() => judgeEach(services, { question, now, signal }));
  ours.delete(key);
  if (ours.size >= keptQuestionsMax) ours.delete(ours.keys().next().value ?? '');
  ours.set(key, judged);
  return judged;
}

async function judgeEach(
  services: ApiServices,
  { question, now, signal }: { question: Omit<Question, 'asker'>; now: number; signal: AbortSignal },
): Promise<Judged> {
  const policies = services.policies();
  const reads = await readsInForce(services);
  const view = factsStandingStill(services);
  const all: SubjectAnswer[] = [];
  for (const each of whoCan({ view, policies, reads, now, question })) {
    all.push(each);
    if (all.length % judgedPerTurn === 0) await yieldTurn();
    signal.throwIfAborted();
  }
  return { at: now, sequence: policies?.sequence ?? 0, revision: view.revision, all };
}

function countAnswers(answers: Iterable<Answer>): AnswerCounts {
  const counts = { allow: 0, deny: 0, indeterminate: 0 };
  for (const { answer } of answers) counts[answer] += 1;
  return counts;
}

const matches = (subject: AccessSubject, text: string | undefined) => {
  if (text === undefined || text === '') return true;
  const { kind, name, displayName } = viewSubject(subject);
  return `${kind} ${name} ${displayName}`.toLowerCase().includes(text.toLowerCase());
};

const whoCanRoute = route({
  method: 'GET',
  path: '/policies/who-can',
  noun: 'policy',
  action: 'read',
  summary: 'Who can do something on a resource: everybody, judged as the door would',
  query: z.strictObject({
    ...pageQuery,
    action: z.enum(accessActions),
    /** Name of an app, or `Service::"control"` for the administration API. */
    resource: z.string().min(1).max(63),
    /** Label of an app's route; that of the first page unless told. */
    route: z.string().max(63).optional(),
    /** What is administered. */
    noun: z.enum(nouns).optional(),
    /** Whom to list: those with this answer, or all. */
    answer: z.enum([...answerSchema.options, 'any']).default('allow'),
    q: z.string().max(200).optional(),
  }),
  answer: whoAnswer,
  handle: async ({ services, caller, query, signal }) => {
    checkAccessRights(services, caller);
    const question = accessQuestion(services, query);
    const judged = await judgeAll(services, { question, isFirst: query.cursor === undefined, signal });
    const wanted = judged.all.filter(
      ({ subject, answer }) => (query.answer === 'any' || answer.answer === query.answer) && matches(subject, query.q),
    );
    const page = paginate(wanted, { ...query, cursor: query.cursor, keyOf: ({ subject }) => subjectKey(subject) });
    const items = page.items.map(({ subject, basis, answer }) => ({
      ...viewSubject(subject),
      basis,
      answer: answer.answer,
      reasons: answer.reasons,
    }));
    const { route: label, noun } = question.request;
    return {
      body: {
        question: { action: query.action, resource: query.resource, route: label, noun },
        counts: countAnswers(judged.all.map(({ answer }) => answer)),
        items,
        judgedAt: judged.at,
        policySequence: judged.sequence,
        factRevision: judged.revision,
        policies: decidingPolicies(
          services,
          items.flatMap(({ reasons }) => reasons),
        ),
        next: page.next,
      },
    };
  },
});

interface Row {
  readonly resource: string;
  readonly parts: string[];
  readonly actions: readonly { readonly action: string; readonly answer: Answer }[];
}

/** Somebody's answers everywhere; places of a resource that are answered alike are one row. */
async function judgeEverywhere(input: {
  readonly services: ApiServices;
  readonly view: ReturnType<typeof factsStandingStill>;
  readonly now: number;
  readonly subject: AccessSubject;
  readonly policies: ReturnType<ApiServices['policies']>;
  readonly signal: AbortSignal;
}): Promise<{ rows: ReadonlyMap<string, Row>; answers: readonly Answer[]; basis: AccessBasis }> {
  const { services, view, now, subject, policies, signal } = input;
  const rows = new Map<string, Row>();
  const answers: Answer[] = [];
  let basis: AccessBasis = subject.kind === 'user' ? 'sign-in' : subject.kind;
  let count = 0;
  for (const { resource, part, questions } of accessPlaces({ urls: services.urls, facts: view })) {
    // Nobody comes to an app by the operator's socket.
    if (subject.kind === 'operator' && resource !== controlResource) continue;
    const judged = [...whatCan({ view, policies, now, subject, questions })];
    basis = judged[0]?.basis ?? basis;
    const actions = judged.map(({ question, answer }) => ({ action: question.action, answer }));
    answers.push(...judged.map(({ answer }) => answer));
    const key = JSON.stringify([resource, actions.map(({ answer }) => [answer.answer, answer.reasons])]);
    const row = rows.get(key);
    if (row === undefined) rows.set(key, { resource, parts: [part], actions });
    else row.parts.push(part);
    count += 1;
    if (count % judgedPerTurn === 0) await yieldTurn();
    signal.throwIfAborted();
  }
  return { rows, answers, basis };
}

const whatCanRoute = route({
  method: 'GET',
  path: '/policies/what-can',
  noun: 'policy',
  action: 'read',
  summary: 'What somebody can do: every app, route and action, and the administration API, judged as the door would',
  query: z.strictObject({
    ...pageQuery,
    user: z.string().min(1).max(200).optional(),
    token: z.string().min(1).max(200).optional(),
    who: z.enum(['stranger', 'operator']).optional(),
    /** What to list: places where some action has this answer, or all. */
    answer: z.enum([...answerSchema.options, 'any']).default('allow'),
    q: z.string().max(200).optional(),
  }),
  answer: whatAnswer,
  handle: async ({ services, caller, query, signal }) => {
    checkAccessRights(services, caller);
    const view = factsStandingStill(services);
    const [now, policies] = [services.clock(), services.policies()];
    const subject = namedSubject(view, query);
    const { rows, answers, basis } = await oneOfFew(() =>
      judgeEverywhere({ services, view, now, subject, policies, signal }),
    );
    const text = query.q?.toLowerCase() ?? '';
    const wanted = [...rows.values()].filter(
      ({ resource, actions }) =>
        (query.answer === 'any' || actions.some(({ answer }) => answer.answer === query.answer)) &&
        resource.toLowerCase().includes(text),
    );
    // Places come in their order already; the number of each keeps it.
    const numbered = wanted.map((row) => ({
      row,
      key: `${row.resource === controlResource ? 1 : 0} ${row.resource} ${row.parts[0]}`,
    }));
    const page = paginate(numbered, { ...query, cursor: query.cursor, keyOf: ({ key }) => key });
    const items = page.items.map(({ row }) => ({
      resource: row.resource,
      parts: row.parts,
      actions: row.actions.map(({ action, answer }) => ({
        action,
        answer: answer.answer,
        reasons: answer.reasons,
      })),
    }));
    return {
      body: {
        subject: viewSubject(subject),
        basis,
        counts: countAnswers(answers),
        items,
        judgedAt: now,
        policySequence: policies?.sequence ?? 0,
        factRevision: view.revision,
        policies: decidingPolicies(
          services,
          items.flatMap(({ actions }) => actions.flatMap(({ reasons }) => reasons)),
        ),
        next: page.next,
      },
    };
  },
});

/** Questions asked backwards: not whether, but who and what. */
export const policyAccessRoutes: readonly Route[] = [whoCanRoute, whatCanRoute];
