import { type JudgedAbout, type NotJudged, namespaceOf } from '#decision/administration';
import {
  type Answered,
  decisionBody,
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
import { answerJson } from './answer.ts';
import { askWhileFresh } from './ask-while-fresh.ts';
import type { KnownCall } from './pdp.ts';
import { type DecidedTogether, recordDecision, recordTogether } from './record-decision.ts';

/** `POST /access/v1/evaluation`. Throws MalformedRequest. */
export async function evaluateOne(gate: Gate, call: KnownCall, body: Properties): Promise<void> {
  const answered = await evaluate(gate, call, { evaluation: readEvaluation(body), id: call.id });
  answerJson(call, decisionBody(answered));
}

/** `POST /access/v1/evaluations`. Throws MalformedRequest for what concerns all of it. */
export async function evaluateMany(gate: Gate, call: KnownCall, body: Properties): Promise<void> {
  const asked = readEvaluations(body);
  if ('items' in asked) return answerJson(call, { evaluations: await evaluateAll(gate, call, asked) });
  const answered = await evaluate(gate, call, { evaluation: asked, id: call.id });
  answerJson(call, decisionBody(answered));
}

const keyOf = (subject: EntityUid | null) => (subject === null ? '' : formatUid(subject));

const isSame = (a: EntityUid | null, b: EntityUid | null | undefined) => a?.type === b?.type && a?.id === b?.id;

/** Evaluations in one event: a batch about one person is one event, up to this size. */
const evaluationsPerEventMax = 100;

async function evaluateAll(gate: Gate, call: KnownCall, { semantic, items }: Evaluations): Promise<unknown[]> {
  const answers: unknown[] = [];
  const records = new Map<string, DecidedTogether>();
  const full: DecidedTogether[] = [];
  let record: DecidedTogether | undefined;
  for (const evaluation of items) {
    const judged = judgeOne(gate, call, evaluation);
    const { subject } = judged.outcome;
    // Most batches are about one person.
    if (record === undefined || !isSame(subject, record.decided[0]?.outcome.subject))
      record = records.get(keyOf(subject));
    if (record === undefined || record.decided.length >= evaluationsPerEventMax) {
      if (record !== undefined) full.push(record);
      record = { id: answers.length === 0 ? call.id : gate.newId(), decided: [] };
      records.set(keyOf(subject), record);
    }
    record.decided.push({ about: evaluation instanceof MalformedRequest ? null : evaluation, outcome: judged.outcome });
    answers.push(decisionBody({ ...judged.answered, id: record.id }));
    if (endsAfter(semantic, judged.answered.decision)) break;
  }
  await Promise.all([...full, ...records.values()].map((record) => recordTogether(gate, call, record)));
  return answers;
}

async function evaluate(
  gate: Gate,
  call: KnownCall,
  { evaluation, id }: { evaluation: Evaluation; id: string },
): Promise<Answered> {
  const { outcome, answered } = judgeOne(gate, call, evaluation);
  await recordDecision(gate, call, { id, operation: 'evaluation', about: evaluation, outcome });
  return { ...answered, id };
}

function judgeOne(
  gate: Gate,
  call: KnownCall,
  evaluation: Evaluation | MalformedRequest,
): { outcome: JudgedAbout | NotJudged; answered: Omit<Answered, 'id'> } {
  const { caller, now } = call;
  const outcome: JudgedAbout | NotJudged =
    evaluation instanceof MalformedRequest
      ? { problem: 'malformed', message: evaluation.message, subject: null }
      : askWhileFresh(gate, evaluation, { caller, isSearch: false, now });
  if (!('verdict' in outcome)) {
    const error = { status: outcome.problem === 'malformed' ? 400 : 404, message: outcome.message };
    return { outcome, answered: { decision: false, policies: null, words: [], error } };
  }
  const { verdict, resource } = outcome;
  const message = verdict.errors[0]?.message ?? 'the question could not be judged';
  return {
    outcome,
    answered: {
      decision: verdict.answer === 'allow',
      policies: maySeePolicies(caller.scope, resource) ? verdict.reasons : null,
      words: verdict.words,
      error: verdict.answer === 'indeterminate' ? { status: 500, message } : null,
    },
  };
}

/** Which policies decided is told to those who may also search. */
function maySeePolicies(scope: KnownCall['caller']['scope'], resource: EntityUid): boolean {
  const isSearch = true;
  return resource.type === 'App'
    ? pdpScopeCovers(scope, { app: resource.id, isSearch })
    : pdpScopeCovers(scope, { namespace: namespaceOf(resource.type), isSearch });
}
