import { type CompiledPolicies, type DecisionRequest, EngineError, firstBeyond, vocabularyOf } from '#decision/engine';
import { type Decision, type FactView, formatUid, type Question, type Verdict } from '#foundation/model';
import { gatherEntities, TooManyEntities } from './about/gather-entities.ts';
import { type Beside, decideBeside } from './beside.ts';
import { cedarRequest } from './cedar-request.ts';
import type { FactEntities } from './fact-entities.ts';
import { type Facts, factsForQuestion } from './facts-for-question.ts';
import { HierarchyTooLarge } from './hierarchy.ts';
import type { Subject } from './identify.ts';
import type { LastAnswer } from './last-answer.ts';
import type { StageSubject } from './stage.ts';
import { scopesCover } from './token-scope.ts';

/** The policies in force, compiled, with the sequence of the publication they come from. */
export interface PublishedPolicies {
  readonly sequence: number;
  /** Describes all policies; decides by those that are enforced for everyone. */
  readonly compiled: CompiledPolicies;
  /** The facts as entities, over which everything here was compiled; absent: every question brings along what it reaches. */
  readonly entities?: FactEntities;
  /** Shadow and staged policies; absent when there are none, and then they cost nothing. */
  readonly beside?: Beside;
}

export interface JudgeInput {
  readonly view: FactView;
  /** null: nothing is published, or what is published does not compile. Then nothing is allowed. */
  readonly policies: PublishedPolicies | null;
  readonly question: Question;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Judge as if this subject asked. For questions about people, never for their requests. */
  readonly as?: Subject;
}

/** Policies that read the time in other ways than comparing it with a literal are asked again this often while a connection lasts. */
export const timeReviewMs = 60_000;

const nobodyPermits = 'No policy permits this.';
export const couldNotJudge =
  'The request could not be judged, so it is refused. An administrator finds the cause in the log.';

function indeterminate(input: JudgeInput, message: string, facts: Facts | null): Verdict {
  return {
    answer: 'indeterminate',
    reasons: [],
    words: [couldNotJudge],
    errors: [{ id: '', message }],
    policySequence: input.policies?.sequence ?? 0,
    factRevision: input.view.revision,
    read: facts?.read ?? [],
    judgeAgainAt: null,
  };
}

/** What decided, in the author's own words; the remedy follows the description. */
export function wordsOf(compiled: CompiledPolicies, reasons: readonly string[]): string[] {
  return reasons.flatMap((id) => {
    const policy = compiled.policies.get(id);
    if (policy === undefined) return [];
    return [policy.description, policy.remedy].filter((words) => words !== '');
  });
}

/** What the authors of the policies that decided advise, out of the words that wordsOf() gives. */
export function adviceOf(policies: PublishedPolicies | null, { reasons }: Pick<Verdict, 'reasons'>): string[] {
  const advice = reasons.map((id) => policies?.compiled.policies.get(id)?.remedy ?? '');
  return advice.filter((words) => words !== '');
}

interface Explanation {
  readonly reasons: readonly string[];
  readonly words: readonly string[];
}

const explanations = new WeakMap<CompiledPolicies, Map<string, Explanation>>();

/**
 * What decided, with its words. Where it is one policy, or none, these are the same objects every time, so that whoever writes
 * them down need do it once.
 */
export function explain(compiled: CompiledPolicies, reasons: readonly string[]): Explanation {
  if (reasons.length > 1) return explained(compiled, reasons);
  let known = explanations.get(compiled);
  if (known === undefined) {
    known = new Map();
    explanations.set(compiled, known);
  }
  // No policy has an empty id.
  const id = reasons[0] ?? '';
  let explanation = known.get(id);
  if (explanation === undefined) {
    explanation = explained(compiled, reasons);
    known.set(id, explanation);
  }
  return explanation;
}

function explained(compiled: CompiledPolicies, reasons: readonly string[]): Explanation {
  const words = wordsOf(compiled, reasons);
  return {
    reasons: Object.freeze(reasons),
    words: Object.freeze(words.length === 0 ? [nobodyPermits] : words),
  };
}

/** Can the time change the answer at no other moment than `judgeAgainAt`? Not when policies read it in ways that are not understood, nor with a proof from the future. */
function isEndExact({ now, subject }: Facts, { timePoints }: CompiledPolicies): boolean {
  return timePoints.isComplete && now >= (subject.session?.body.authTime ?? now);
}

/** When session, token or grant ends, or a policy's comparison with the time has another outcome, whichever comes first. */
function judgeAgainAt(facts: Facts, compiled: CompiledPolicies): number | null {
  const { now, endsAt, subject } = facts;
  const { agesSeconds, timesMs } = compiled.timePoints;
  let at = endsAt ?? Number.POSITIVE_INFINITY;
  const authTime = subject.session?.body.authTime;
  if (authTime !== undefined && agesSeconds.length > 0) {
    const next = firstBeyond(agesSeconds, Math.floor((now - authTime) / 1000));
    if (next !== undefined) at = Math.min(at, authTime + next * 1000);
  }
  const time = firstBeyond(timesMs, now);
  if (time !== undefined) at = Math.min(at, time);
  // Who reads the time otherwise may change the answer at any moment.
  if (!isEndExact(facts, compiled)) at = Math.min(at, now + timeReviewMs);
  return at === Number.POSITIVE_INFINITY ? null : at;
}

/**
 * What a door answers to a request: of the policies that are in force for its subject. Stricter than the engine: an allow during which a
 * `forbid` errored is no allow. `subject` is asked for only when something is staged. Throws EngineError.
 */
export function answerAtDoor(
  policies: PublishedPolicies,
  { request, subject }: { request: DecisionRequest; subject: () => StageSubject },
): Pick<Verdict, 'answer' | 'reasons' | 'words' | 'errors' | 'shadow'> {
  const { compiled, beside } = policies;
  const enforced = compiled.decide(request);
  const isForbid = (id: string) => compiled.policies.get(id)?.effect !== 'permit';
  if (beside === undefined) return answerTo(enforced, { compiled, isForbid });
  const { decision, shadow } = decideBeside(beside, { enforced, request, subject: subject(), isForbid });
  const answer = answerTo(decision, { compiled, isForbid });
  return shadow.length === 0 ? answer : { ...answer, shadow };
}

function answerTo(
  { decision, reasons, errors }: Decision,
  { compiled, isForbid }: { compiled: CompiledPolicies; isForbid: (id: string) => boolean },
): Pick<Verdict, 'answer' | 'reasons' | 'words' | 'errors'> {
  if (decision === 'allow' && errors.some(({ id }) => isForbid(id)))
    return { answer: 'indeterminate', reasons, words: [couldNotJudge], errors };
  const { reasons: told, words } = explain(compiled, reasons);
  return { answer: decision, reasons: told, words, errors };
}

/**
 * Judges given facts. Stricter than the engine: an allow during which a `forbid` errored is no allow, and neither is a
 * question that cannot be judged. The facts may be such as might be: nothing but them counts.
 */
export function judgeFacts(input: JudgeInput, facts: Facts): Verdict {
  return answer(input, { facts, isStored: false });
}

/** Brings along, behind what a question reaches, what policies read because they name it. */
function withNamed(
  request: DecisionRequest,
  { view, compiled }: { view: FactView; compiled: CompiledPolicies },
): DecisionRequest {
  if (compiled.named.length === 0) return request;
  const known = new Set(request.entities.map(({ uid }) => formatUid(uid)));
  const named = compiled.named.map((uid) => ({ uid, given: {} }));
  const vocabulary = vocabularyOf(compiled.schemaJson);
  const found = gatherEntities(view, { vocabulary, named, context: {} }).filter(
    ({ uid }) => !known.has(formatUid(uid)),
  );
  return { ...request, entities: [...request.entities, ...found] };
}

/** `isStored`: the facts are those of the store, as they stand. */
function answer(input: JudgeInput, { facts, isStored }: { facts: Facts; isStored: boolean }): Verdict {
  const { policies, question, view } = input;
  if (policies === null) return indeterminate(input, 'no policies are in force', facts);
  const { compiled, sequence } = policies;
  const common = {
    policySequence: sequence,
    factRevision: view.revision,
    read: facts.read,
    judgeAgainAt: judgeAgainAt(facts, compiled),
  };
  if (facts.token.present && !scopesCover(facts.token.scopes, question)) {
    const words = ['The scopes of this token do not cover this.'];
    return { answer: 'deny', reasons: [], words, errors: [], ...common };
  }
  try {
    const subject = () => ({ principal: facts.principal, groups: facts.groups.uids, segments: facts.segments.uids });
    const request = cedarRequest(facts, { isStored });
    const whole = isStored ? request : withNamed(request, { view, compiled });
    // Every request comes by here, and copying an object of unknown members takes a tenth as long as all of the deciding.
    const { answer, reasons, words, errors, shadow } = answerAtDoor(policies, { request: whole, subject });
    const { policySequence, factRevision, read, judgeAgainAt } = common;
    const verdict = { answer, reasons, words, errors, policySequence, factRevision, read, judgeAgainAt };
    return shadow === undefined ? verdict : { ...verdict, shadow };
  } catch (error) {
    const isOurs =
      error instanceof EngineError || error instanceof HierarchyTooLarge || error instanceof TooManyEntities;
    if (isOurs) return indeterminate(input, error.message, facts);
    throw error;
  }
}

/**
 * Answers a question from the facts as they are now. Never throws for anything a client can send: what cannot be judged is
 * `indeterminate`, which is a denial. `last`: what was answered to the same asker before, and then what is answered now.
 */
export function judge(input: JudgeInput, last?: LastAnswer): Verdict {
  const known = last?.to(input);
  if (known !== undefined) return known;
  try {
    const facts = factsForQuestion(input.view, input);
    if (facts === null) return indeterminate(input, 'the resource is not known', null);
    // Of a service no fact says anything, so it is brought along.
    const isApp = facts.resource.type === 'App';
    const isStored = isApp && input.policies?.entities?.standsFor(input.view, { about: 'app' }) === true;
    const verdict = answer(input, { facts, isStored });
    if (input.policies !== null && isEndExact(facts, input.policies.compiled)) last?.keep(input, verdict);
    return verdict;
  } catch (error) {
    if (error instanceof HierarchyTooLarge) return indeterminate(input, error.message, null);
    throw error;
  }
}
