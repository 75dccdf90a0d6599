import { z } from 'zod';
import { askingFor, findRemedies, hypotheticalSession, type JudgeInput, type Subject } from '#decision/administration';
import { type Explained, explain } from '#decision/analysis';
import { answerOf } from '#evidence/log';
import { recordedQuestion } from '#evidence/log/recorded';
import { type Asker, type Explanation, type Question, remedyKinds, type Session } from '#foundation/model';
import { accessActions, accessQuestion, namedSubject } from '../access-questions.ts';
import { mayAdminister } from '../authorise.ts';
import type { Caller } from '../caller.ts';
import { factsAt, factsStandingStill } from '../facts-at.ts';
import { noEvent, problem } from '../problem.ts';
import { findPublication, type PublicationOfThen, preparePublicationOfThen } from '../publication-of-then.ts';
import { nouns, type Route, route } from '../route.ts';
import type { ApiServices, EventView } from '../services.ts';
import { checkAccessRights } from './policy-access.ts';

/** Explanations at once: each may ask thousands of hypothetical questions. */
export const explanationsMax = 4;
/** Steps of an explanation in one turn of the event loop. */
const stepsPerTurn = 50;
const yieldTurn = () => new Promise((resolve) => setImmediate(resolve));

const eventBody = z.strictObject({ event: z.string().min(1).max(200) });
const sessionBody = z.strictObject({
  credential: z.enum(['passkey', 'recovery', 'federated']).default('passkey'),
  phishingResistant: z.boolean().default(true),
  bound: z.boolean().default(false),
  authAgeSeconds: z.int().min(0).max(1_000_000_000).default(0),
});
const questionBody = z.strictObject({
  user: z.string().min(1).max(200).optional(),
  token: z.string().min(1).max(200).optional(),
  who: z.enum(['stranger', 'operator']).optional(),
  /** Name of an app, or `Service::"control"`. */
  resource: z.string().min(1).max(63),
  action: z.enum(accessActions),
  noun: z.enum(nouns).optional(),
  method: z.string().max(20).optional(),
  path: z.string().startsWith('/').max(2000).optional(),
  route: z.string().max(63).optional(),
  address: z.union([z.ipv4(), z.ipv6()]).optional(),
  tls: z.boolean().optional(),
  /** When it would be asked, milliseconds since the epoch; now unless told. */
  at: z.int().min(0).max(253_402_300_799_999).optional(),
  /** A session of the user's that might be, instead of their newest. */
  session: sessionBody.optional(),
});

const entityView = z.strictObject({ type: z.string(), id: z.string() });
const explainedPolicyView = z.strictObject({
  id: z.string(),
  effect: z.enum(['permit', 'forbid']),
  outcome: z.enum(['satisfied', 'unsatisfied', 'error']),
  parts: z.array(
    z.strictObject({
      part: z.enum(['principal', 'action', 'resource', 'when', 'unless']),
      text: z.string(),
      place: z.strictObject({ file: z.string(), line: z.int(), column: z.int(), text: z.string() }).nullable(),
      holds: z.boolean(),
      error: z.string().nullable(),
      values: z.array(z.strictObject({ text: z.string(), value: z.string() })),
    }),
  ),
});
const explanationView: z.ZodType<Explanation> = z.strictObject({
  question: z.record(z.string(), z.unknown()),
  answer: z.enum(['allow', 'deny', 'indeterminate']),
  reasons: z.array(z.string()),
  words: z.array(z.string()),
  errors: z.array(z.strictObject({ id: z.string(), message: z.string() })),
  remedies: z.array(z.strictObject({ kind: z.enum(remedyKinds), words: z.string() })),
  policySequence: z.int(),
  factRevision: z.int(),
  policies: z.array(
    z.strictObject({ id: z.string(), file: z.string(), effect: z.enum(['permit', 'forbid']), text: z.string() }),
  ),
  /** Was it asked again of the same facts and policies, with the same answer? */
  isExact: z.boolean(),
  /** What is not exact, or what was assumed. */
  notes: z.array(z.string()),
  /** Who asked, as the policies saw them. */
  principal: entityView.nullable(),
  /** What decided or failed, with every part. */
  spoke: z.array(explainedPolicyView),
  /** How who asks and what is asked for come under the scopes of what decided. */
  paths: z.array(
    z.strictObject({
      policy: z.string(),
      principal: z.array(entityView).nullable(),
      resource: z.array(entityView).nullable(),
    }),
  ),
  /** Of a refusal that no forbid made: the permits that came nearest. */
  nearest: z.array(explainedPolicyView),
  /** The fewest changes of facts that turn the answer; each alternative is enough by itself. */
  change: z
    .strictObject({
      turnsTo: z.enum(['allow', 'deny']),
      alternatives: z.array(z.array(z.strictObject({ kind: z.string(), words: z.string() }))),
      /** Was everything shorter tried? */
      isSmallest: z.boolean(),
      asked: z.int(),
    })
    .nullable(),
});

/** Facts about people and what they did: whoever may not read those does not get them by way of a why. */
function checkExplainRights(services: ApiServices, caller: Caller, isPast: boolean): void {
  checkAccessRights(services, caller);
  for (const noun of isPast ? (['session', 'event'] as const) : (['session'] as const)) {
    if (mayAdminister(services, caller, { noun, action: 'read' })) continue;
    throw problem(403, 'denied', `an explanation tells of sessions and events, and you may not read \`${noun}\` here`);
  }
}

let running = 0;

async function inTurns(input: Parameters<typeof explain>[0], signal: AbortSignal): Promise<Explained> {
  if (running >= explanationsMax) {
    throw problem(503, 'too-many', `${explanationsMax} explanations are being made already; try again shortly`);
  }
  running += 1;
  try {
    const work = explain(input);
    for (let steps = 1; ; steps += 1) {
      const { done, value } = work.next();
      if (done === true) return value;
      if (steps % stepsPerTurn === 0) await yieldTurn();
      signal.throwIfAborted();
    }
  } finally {
    running -= 1;
  }
}

function policyTexts({ published }: PublicationOfThen, ids: readonly string[]): Explanation['policies'] {
  return [...new Set(ids)].flatMap((id) => {
    const policy = published.compiled.policies.get(id);
    return policy === undefined ? [] : [{ id, file: policy.file, effect: policy.effect, text: policy.text }];
  });
}

function viewExplained({ verdict, ...explained }: Explained, then: PublicationOfThen) {
  return {
    answer: verdict.answer,
    reasons: verdict.reasons,
    words: verdict.words,
    errors: verdict.errors,
    policySequence: verdict.policySequence,
    factRevision: verdict.factRevision,
    ...explained,
    policies: policyTexts(
      then,
      [...explained.spoke, ...explained.nearest].map(({ id }) => id),
    ),
  };
}

/** What the builders of `#evidence/log` keep of a verdict. */
const recordedVerdict = z.object({
  authorizations: z
    .array(z.object({ policy: z.object({ uid: z.string(), is_applied: z.boolean().default(true) }) }))
    .default([]),
  status_detail: z.string().optional(),
  unmapped: z.object({ errors: z.array(z.object({ id: z.string(), message: z.string() })).default([]) }).optional(),
});

/** What the journal alone says about a decision. */
function recorded(
  event: EventView,
  { notes, then }: { notes: string[]; then: PublicationOfThen | undefined },
): Explanation {
  const read = recordedVerdict.safeParse(event.payload);
  const { authorizations, status_detail, unmapped } = read.success ? read.data : { authorizations: [] };
  const reasons = authorizations.flatMap(({ policy }) => (policy.is_applied ? [policy.uid] : []));
  const errors = unmapped?.errors ?? [];
  return {
    question: { event: event.id, time: event.time, ...event.payload },
    answer: answerOf(event.payload) ?? (event.statusId === 1 ? 'allow' : 'deny'),
    reasons,
    words: status_detail === undefined ? [] : [status_detail],
    errors,
    remedies: [],
    policySequence: event.policySequence,
    factRevision: event.factRevision,
    policies: then === undefined ? [] : policyTexts(then, [...reasons, ...errors.map((each) => each.id)]),
    isExact: false,
    notes,
    principal: null,
    spoke: [],
    paths: [],
    nearest: [],
    change: null,
  };
}

const noQuestionWords = {
  damaged: 'Its payload is not what an honest gateway writes, so there is no question to read.',
  erased: 'The person it is about was erased, so the question is no longer there.',
  counted: 'This counts many requests of strangers; single ones were not kept.',
  ended: 'This tells how an access ended; ask about the request it belongs to (`unmapped.request`).',
  other: 'This event is no request to an app, so what the journal recorded is all that can be said.',
} as const;

/** A decision that was taken: asked again of the facts and the policies of then. */
async function explainEvent(services: ApiServices, id: string, signal: AbortSignal): Promise<Explanation> {
  const event = await services.events.find(id);
  if (event === undefined) throw noEvent(id);
  const { policySequence: sequence, factRevision: revision } = event;
  const publication = await findPublication(services, { sequence, revision });
  const then = publication === undefined ? undefined : await preparePublicationOfThen(services, publication);
  const journalled = (...notes: string[]) => recorded(event, { notes, then });
  const asked = recordedQuestion(event);
  if (typeof asked === 'string') return journalled(noQuestionWords[event.isDamaged ? 'damaged' : asked]);
  if (then === undefined) {
    return journalled(`Publication ${sequence} is no longer in the store, so it cannot be asked again.`);
  }
  const view = await factsAt(services, revision);
  if (typeof view === 'string') return journalled(`${view} What the journal recorded is all that can be said.`);
  const { question, time, isPathCut } = asked;
  const input = { view, policies: then.published, set: then.set, question, now: time };
  const explained = viewExplained(await inTurns(input, signal), then);
  const base = journalled();
  const isSame =
    base.answer === explained.answer && [...base.reasons].sort().join() === [...explained.reasons].sort().join();
  if (!isSame) {
    return journalled(
      `Asked again of the facts at revision ${revision}, the policies say ${explained.answer}${explained.reasons.length === 0 ? '' : ` by ${explained.reasons.join(', ')}`}, which is not what was recorded; the gateway passes some requests without asking (such as preflights), and may have been a moment behind.`,
    );
  }
  const notes = isPathCut
    ? ['The path was longer than the journal keeps; what policies say about its end may differ.']
    : [];
  return {
    ...base,
    ...explained,
    words: base.words.length > 0 ? base.words : explained.words,
    isExact: !isPathCut,
    notes,
  };
}

type Hypothesis = z.infer<typeof questionBody>;

/** A session that might be. */
function sessionOf(user: string, asked: z.infer<typeof sessionBody>, now: number): Session {
  const { authAgeSeconds, ...rest } = asked;
  const provider = rest.credential === 'federated' ? 'federated' : 'local';
  return hypotheticalSession({ user, now }, { ...rest, provider, authTime: Math.max(0, now - authAgeSeconds * 1000) });
}

interface Asking {
  readonly asker: Asker;
  readonly as?: Subject;
  readonly notes: string[];
}

function askingOf(input: Pick<JudgeInput, 'view' | 'now'>, asked: Hypothesis): Asking {
  const subject = namedSubject(input.view, asked);
  if (asked.session !== undefined && subject.kind !== 'user') {
    throw problem(400, 'invalid', 'only a user has a `session`');
  }
  if (subject.kind === 'token') return { asker: { kind: 'token', tokenId: subject.id }, notes: [] };
  if (subject.kind !== 'user')
    return { asker: { kind: subject.kind === 'operator' ? 'operator' : 'anonymous' }, notes: [] };
  const { id, body } = subject.person;
  if (asked.session !== undefined) {
    // No fact has an empty id, so no policy can mean this session.
    const session = { id: '', body: sessionOf(id, asked.session, input.now) };
    const as = { uid: { type: 'User', id }, user: body, session, token: null };
    return { asker: { kind: 'anonymous' }, as, notes: ['Judged with the session that was given.'] };
  }
  const { basis, ...asking } = askingFor(input.view, { user: subject.person, now: input.now });
  const hint = `\`${body.name}\` has no session now; judged as if they had just signed in.`;
  return { ...asking, notes: basis === 'session' ? [] : [hint] };
}

/** What would be answered, by the facts and policies of now. */
async function explainHypothesis(services: ApiServices, asked: Hypothesis, signal: AbortSignal): Promise<Explanation> {
  const publication = services.facts.get('publication', 'current');
  const policies = services.policies();
  if (publication === undefined || policies === null) {
    throw problem(409, 'no-policies', 'no policies are in force: everything is refused');
  }
  const { set } = await preparePublicationOfThen(services, publication);
  const view = factsStandingStill(services);
  const now = asked.at ?? services.clock();
  const { notes, ...asking } = askingOf({ view, now }, asked);
  const base = accessQuestion(services, asked);
  const { method, path, address, tls } = asked;
  const given = Object.fromEntries(
    Object.entries({ method, path, address, tls }).filter(([, each]) => each !== undefined),
  );
  const question: Question = { ...base, asker: asking.asker, request: { ...base.request, ...given } };
  const input: JudgeInput = { view, policies, question, now, ...(asking.as === undefined ? {} : { as: asking.as }) };
  const explained = viewExplained(await inTurns({ ...input, set }, signal), { set, published: policies });
  const { asker: _asker, ...shown } = question;
  return {
    ...explained,
    question: { ...shown },
    words: [...notes, ...explained.words],
    remedies: explained.answer === 'allow' ? [] : findRemedies(input).map(({ kind, words }) => ({ kind, words })),
    isExact: true,
    notes,
  };
}

const explainRoute = route({
  method: 'POST',
  path: '/policies/explain',
  noun: 'policy',
  action: 'read',
  summary: 'Why: for a decision that was taken (its correlation id), or for one that might be; and what would turn it',
  body: z.union([eventBody, questionBody]),
  answer: explanationView,
  handle: async ({ services, caller, body, signal }) => {
    checkExplainRights(services, caller, 'event' in body);
    return {
      body:
        'event' in body
          ? await explainEvent(services, body.event, signal)
          : await explainHypothesis(services, body, signal),
    };
  },
});

export const policyExplainRoutes: readonly Route[] = [explainRoute];
