import { type GatewayRequest, isPreflight } from '#enforcement/gateway';
import type { Question, Verdict } from '#foundation/model';
import type { Identified } from './bearer.ts';
import type { Gate } from './gate.ts';
import type { Site } from './sites.ts';

interface Access {
  readonly question: Question;
  readonly request: GatewayRequest;
  readonly site: Site;
  readonly identified: Identified;
}

/**
 * Judges access to an app. Where the resource says `corsPreflight`, a stranger's preflight passes although no policy permits
 * strangers, because browsers send it without credentials; what a policy forbids stays forbidden.
 */
export function judgeAccess(gate: Pick<Gate, 'judge'>, access: Access & { readonly now: number }): Verdict {
  const { question, request, site, identified, now } = access;
  const verdict = gate.judge(question, now, identified.bearer?.at(site.id).lastAnswer);
  if (verdict.answer !== 'deny' || verdict.reasons.length > 0 || verdict.errors.length > 0) return verdict;
  if (!site.resource.corsPreflight || question.asker.kind !== 'anonymous' || !isPreflight(request)) return verdict;
  return { ...verdict, answer: 'allow', words: ['The app takes preflights of other origins without a session.'] };
}
