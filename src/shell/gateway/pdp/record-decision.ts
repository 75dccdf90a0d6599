import type { JudgedAbout, NotJudged, QuestionAbout } from '#decision/administration';
import type { Search } from '#enforcement/adapters';
import { EvaluationList, type PrincipalInput, pdpActivity, writePdpBatch } from '#evidence/log';
import type { Verdict } from '#foundation/model';
import type { Gate } from '../gate.ts';
import type { KnownCall } from './pdp.ts';

/** The caller as events name it. */
export function callerPrincipal(gate: Pick<Gate, 'facts'>, { owner }: KnownCall['caller']): PrincipalInput {
  if (owner.type !== 'User') return { type: 'Workload', uid: owner.id };
  return { type: 'User', uid: owner.id, name: gate.facts.get('user', owner.id)?.name };
}

/** One question as it was asked, null when it could not be read, and what came of it. */
interface Decided {
  readonly about: QuestionAbout | null;
  readonly outcome: JudgedAbout | NotJudged;
}

/**
 * About whom, as events name them: with the login name of one of ours, and else in the caller's own words. That a name means nobody because it
 * could mean two people is for our own eyes: the caller's answer does not tell who is known.
 */
function subjectOf({ facts, pdp }: Pick<Gate, 'facts' | 'pdp'>, { about, outcome: { subject } }: Decided) {
  if (subject?.type === 'User') return { ...subject, name: facts.get('user', subject.id)?.name };
  if (about === null || (subject !== null && subject.type !== 'Anonymous')) return subject;
  const { type, id } = about.subject;
  return pdp.names.isAmbiguous(id) ? { type, id, isAmbiguous: true } : { type, id };
}

/** Writes one decision to the journal; rejects when it cannot be written, and then nothing is answered. */
export async function recordDecision(
  gate: Gate,
  call: KnownCall,
  decided: Decided & { readonly id: string; readonly operation: string },
): Promise<void> {
  const { id, operation, about, outcome } = decided;
  const isJudged = 'verdict' in outcome;
  const verdict = isJudged ? outcome.verdict : { answer: 'deny' as const, reasons: [], words: [outcome.message] };
  const event = pdpActivity({
    id,
    time: call.now,
    policySequence: isJudged ? outcome.verdict.policySequence : 0,
    factRevision: gate.facts.revision,
    by: callerPrincipal(gate, call.caller),
    token: call.caller.tokenId,
    operation,
    subject: subjectOf(gate, { about, outcome }),
    action: about?.action.name ?? null,
    resource: isJudged ? outcome.resource : (about?.resource ?? null),
    address: call.request.address,
    verdict,
    requestId: call.requestId,
  });
  // Only whom we resolved has a key: a name that a caller made up seals nothing.
  const subject = outcome.subject?.type === 'User' ? outcome.subject.id : 'system';
  await gate.record({ ...event, subject, payload: JSON.stringify(event.payload) });
}

/** What one request asked about one person, and how each was answered. */
export class DecidedTogether {
  readonly id: string;
  readonly first: Decided;
  readonly evaluations = new EvaluationList();
  /** Of all of them: whatever was refused counts. */
  answer: Verdict['answer'] = 'allow';
  /** Did the caller say it of the same subject every time? */
  #isOneSubject = true;

  constructor(id: string, first: Decided) {
    this.id = id;
    this.first = first;
  }

  add({ about, outcome }: Decided): void {
    const verdict = 'verdict' in outcome ? outcome.verdict : null;
    const answer = verdict?.answer ?? 'deny';
    if (answer === 'indeterminate' || (answer === 'deny' && this.answer === 'allow')) this.answer = answer;
    const [asked, first] = [about?.subject, this.first.about?.subject];
    if (asked !== first && (asked?.id !== first?.id || asked?.type !== first?.type)) this.#isOneSubject = false;
    this.evaluations.add({
      answer: 'verdict' in outcome ? outcome.verdict.answer : outcome.problem,
      action: about?.action.name ?? null,
      type: about?.resource.type ?? null,
      resource: about?.resource.id ?? null,
      policies: verdict?.reasons ?? none,
    });
  }

  /** In the caller's words only where all are about the same. */
  subject(gate: Gate): ReturnType<typeof subjectOf> {
    const { first } = this;
    const { subject } = first.outcome;
    return this.#isOneSubject || subject?.type === 'User' ? subjectOf(gate, first) : subject;
  }
}

const none: readonly string[] = Object.freeze([]);

/** Writes the evaluations of one batch about one person as one event, each with its answer. */
export async function recordTogether(gate: Gate, call: KnownCall, together: DecidedTogether): Promise<void> {
  const { id, first, evaluations, answer } = together;
  if (evaluations.count === 1) return recordDecision(gate, call, { id, operation: 'evaluations', ...first });
  const event = writePdpBatch(
    {
      id,
      time: call.now,
      policySequence: gate.pdp.policySequence(),
      factRevision: gate.facts.revision,
      by: callerPrincipal(gate, call.caller),
      token: call.caller.tokenId,
      operation: 'evaluations',
      subject: together.subject(gate),
      action: null,
      resource: null,
      address: call.request.address,
      verdict: { answer, reasons: [], words: [] },
      requestId: call.requestId,
    },
    evaluations,
  );
  const subject = first.outcome.subject?.type === 'User' ? first.outcome.subject.id : 'system';
  await gate.record({ ...event, subject });
}

/** Writes that a search was answered, and how much it found; whom it found is for the caller alone. */
export async function recordSearch(
  gate: Gate,
  call: KnownCall,
  { search, count }: { readonly search: Search; readonly count: number },
): Promise<void> {
  const sought = (entity: { type: string; id?: string }) => ({ type: entity.type, id: entity.id ?? '*' });
  const subject = sought(search.subject);
  const event = pdpActivity({
    id: call.id,
    time: call.now,
    policySequence: gate.pdp.policySequence(),
    factRevision: gate.facts.revision,
    by: callerPrincipal(gate, call.caller),
    token: call.caller.tokenId,
    operation: `search/${search.kind}`,
    subject,
    action: search.kind === 'action' ? null : search.action.name,
    resource: sought(search.resource),
    address: call.request.address,
    verdict: { answer: 'allow', reasons: [], words: [] },
    requestId: call.requestId,
    unmapped: { results: count },
  });
  // A name that the caller chose is nobody's key: only ids of ours seal.
  await gate.record({ ...event, subject: 'system', payload: JSON.stringify(event.payload) });
}
