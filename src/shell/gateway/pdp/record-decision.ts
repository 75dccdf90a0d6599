import type { JudgedAbout, NotJudged, QuestionAbout } from '#decision/administration';
import type { Search } from '#enforcement/adapters';
import { type PrincipalInput, pdpActivity, writePdpBatch } from '#evidence/log';
import type { Gate } from '../gate.ts';
import type { KnownCall } from './pdp.ts';

/** The caller as events name it. */
export function callerPrincipal(gate: Pick<Gate, 'facts'>, { owner }: KnownCall['caller']): PrincipalInput {
  if (owner.type !== 'User') return { type: 'Workload', uid: owner.id };
  return { type: 'User', uid: owner.id, name: gate.facts.get('user', owner.id)?.name };
}

type Decided = DecidedTogether['decided'][number];

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

/** Of several: in the caller's words only where all are about the same. */
function subjectOfAll(gate: Gate, decided: readonly Decided[]) {
  const [first] = decided;
  if (first === undefined) return null;
  const asked = first.about?.subject;
  const isSame = decided.every(({ about }) => about?.subject.id === asked?.id && about?.subject.type === asked?.type);
  return isSame || first.outcome.subject?.type === 'User' ? subjectOf(gate, first) : first.outcome.subject;
}

/** Writes one decision to the journal; rejects when it cannot be written, and then nothing is answered. */
export async function recordDecision(
  gate: Gate,
  call: KnownCall,
  decided: {
    readonly id: string;
    readonly operation: string;
    readonly about: QuestionAbout | null;
    readonly outcome: JudgedAbout | NotJudged;
  },
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

/** What one request asked about one person. */
export interface DecidedTogether {
  readonly id: string;
  readonly decided: { readonly about: QuestionAbout | null; readonly outcome: JudgedAbout | NotJudged }[];
}

/** Writes the evaluations of one batch about one person as one event, each with its answer, in their order. */
export async function recordTogether(gate: Gate, call: KnownCall, { id, decided }: DecidedTogether): Promise<void> {
  const [first] = decided;
  if (first === undefined) return;
  if (decided.length === 1) return recordDecision(gate, call, { id, operation: 'evaluations', ...first });
  const answers = decided.map(({ outcome }) => ('verdict' in outcome ? outcome.verdict.answer : 'deny'));
  const answer = answers.find((each) => each === 'indeterminate') ?? answers.find((each) => each === 'deny') ?? 'allow';
  const evaluations = decided.map(({ about, outcome }) => ({
    answer: 'verdict' in outcome ? outcome.verdict.answer : outcome.problem,
    action: about?.action.name ?? null,
    type: about?.resource.type ?? null,
    resource: about?.resource.id ?? null,
    policies: 'verdict' in outcome ? outcome.verdict.reasons : [],
  }));
  const event = writePdpBatch(
    {
      id,
      time: call.now,
      policySequence: gate.pdp.policySequence(),
      factRevision: gate.facts.revision,
      by: callerPrincipal(gate, call.caller),
      token: call.caller.tokenId,
      operation: 'evaluations',
      subject: subjectOfAll(gate, decided),
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
