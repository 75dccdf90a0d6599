import { type AboutNeeds, type JudgedAbout, type NotJudged, namespaceOf } from '#decision/administration';
import {
  type Answered,
  DecisionTexts,
  decisionText,
  type Evaluation,
  type Evaluations,
  endsAfter,
  MalformedRequest,
  type Properties,
  readEvaluation,
  readEvaluations,
} from '#enforcement/adapters';
import { type EntityUid, formatUid, pdpScopeCovers } from '#foundation/model';

import type { Gate } from '../gate.ts';
import { answerText } from './answer.ts';
import { askWhileFresh } from './ask-while-fresh.ts';
import type { KnownCall } from './pdp.ts';
import { DecidedTogether, recordDecision, recordTogether } from './record-decision.ts';

/** `POST /access/v1/evaluation`. Throws MalformedRequest. */
export async function evaluateOne(gate: Gate, call: KnownCall, body: Properties): Promise<void> {
  const answered = await evaluate(gate, call, { evaluation: readEvaluation(body), id: call.id });
  answerText(call, decisionText(answered));
}

/** `POST /access/v1/evaluations`. Throws MalformedRequest for what concerns all of it. */
export async function evaluateMany(gate: Gate, call: KnownCall, body: Properties): Promise<void> {
  const asked = readEvaluations(body);
  if ('items' in asked) {
    const answers = await evaluateAll(gate, call, asked);
    return answerText(call, `{"evaluations":[${answers.join(',')}]}`);
  }
  const answered = await evaluate(gate, call, { evaluation: asked, id: call.id });
  answerText(call, decisionText(answered));
}

const keyOf = (subject: EntityUid | null) => (subject === null ? '' : formatUid(subject));

const isSame = (a: EntityUid | null, b: EntityUid | null | undefined) => a?.type === b?.type && a?.id === b?.id;

/** Evaluations in one event: a batch about one person is one event, up to this size. */
const evaluationsPerEventMax = 100;

/** The answers as JSON. All are judged at once, by the same policies and facts. */
async function evaluateAll(gate: Gate, call: KnownCall, { semantic, items }: Evaluations): Promise<string[]> {
  const needs = needsOf(gate, call);
  const { scope } = call.caller;
  const answers: string[] = [];
  const texts = new DecisionTexts();
  const records = new Map<string, DecidedTogether>();
  const full: DecidedTogether[] = [];
  let record: DecidedTogether | undefined;
  for (const evaluation of items) {
    const outcome = judgeOne(gate, { needs, evaluation });
    const decided = { about: evaluation instanceof MalformedRequest ? null : evaluation, outcome };
    // Most batches are about one person.
    if (record === undefined || !isSame(outcome.subject, record.first.outcome.subject))
      record = records.get(keyOf(outcome.subject));
    if (record === undefined || record.evaluations.count >= evaluationsPerEventMax) {
      if (record !== undefined) full.push(record);
      record = new DecidedTogether(answers.length === 0 ? call.id : gate.newId(), decided);
      records.set(keyOf(outcome.subject), record);
    }
    record.add(decided);
    const answered = answeredWith(outcome, { id: record.id, scope });
    answers.push(texts.of(answered));
    if (endsAfter(semantic, answered.decision)) break;
  }
  await Promise.all([...full, ...records.values()].map((each) => recordTogether(gate, call, each)));
  return answers;
}

async function evaluate(
  gate: Gate,
  call: KnownCall,
  { evaluation, id }: { evaluation: Evaluation; id: string },
): Promise<Answered> {
  const outcome = judgeOne(gate, { needs: needsOf(gate, call), evaluation });
  await recordDecision(gate, call, { id, operation: 'evaluation', about: evaluation, outcome });
  return answeredWith(outcome, { id, scope: call.caller.scope });
}

const needsOf = (gate: Gate, { caller, now }: KnownCall): AboutNeeds =>
  gate.pdp.needsFor({ caller, isSearch: false, now });

function judgeOne(
  gate: Gate,
  { needs, evaluation }: { needs: AboutNeeds; evaluation: Evaluation | MalformedRequest },
): JudgedAbout | NotJudged {
  return evaluation instanceof MalformedRequest
    ? { problem: 'malformed', message: evaluation.message, subject: null }
    : askWhileFresh(gate, { needs, about: evaluation });
}

function answeredWith(
  outcome: JudgedAbout | NotJudged,
  { id, scope }: { id: string; scope: KnownCall['caller']['scope'] },
): Answered {
  if (!('verdict' in outcome)) {
    const error = { status: outcome.problem === 'malformed' ? 400 : 404, message: outcome.message };
    return { decision: false, id, policies: null, words: [], error };
  }
  const { verdict, resource } = outcome;
  const message = verdict.errors[0]?.message ?? 'the question could not be judged';
  return {
    decision: verdict.answer === 'allow',
    id,
    policies: verdict.reasons.length > 0 && maySeePolicies(scope, resource) ? verdict.reasons : null,
    words: verdict.words,
    error: verdict.answer === 'indeterminate' ? { status: 500, message } : null,
  };
}

/** Which policies decided is told to those who may also search. */
function maySeePolicies(scope: KnownCall['caller']['scope'], resource: EntityUid): boolean {
  const isSearch = true;
  return resource.type === 'App'
    ? pdpScopeCovers(scope, { app: resource.id, isSearch })
    : pdpScopeCovers(scope, { namespace: namespaceOf(resource.type), isSearch });
}
