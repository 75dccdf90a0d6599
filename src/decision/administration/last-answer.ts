import type { FactView, Question, RequestContext, Verdict } from '#foundation/model';
import type { JudgeInput, PublishedPolicies } from './judge.ts';

interface Answered {
  readonly view: FactView;
  readonly epoch: number;
  readonly policies: PublishedPolicies;
  readonly question: Question;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly verdict: Verdict;
}

/**
 * What judge() answered last, for one asker and app: who asks again is given the same verdict for as long as judging anew could only come to
 * the same. That is while facts and policies stand still, nothing that a policy may read of the request is another, and the time has come to
 * none of the points at which the verdict is to be judged again.
 */
export class LastAnswer {
  #last: Answered | null = null;

  /** The verdict that judge() would give; undefined when that is not known. */
  to({ view, policies, question, now, as }: JudgeInput): Verdict | undefined {
    const last = this.#last;
    if (
      last === null ||
      as !== undefined ||
      last.policies !== policies ||
      last.view !== view ||
      last.epoch !== view.epoch
    )
      return undefined;
    const { verdict, at } = last;
    if (verdict.factRevision !== view.revision) return undefined;
    // A clock that was set back says nothing of then.
    if (now < at || (verdict.judgeAgainAt !== null && now >= verdict.judgeAgainAt)) return undefined;
    return isSameQuestion(question, last.question, policies) ? verdict : undefined;
  }

  /** `verdict` is what judge() made of the input. Call it only where the verdict's `judgeAgainAt` is exact. */
  keep({ view, policies, question, now, as }: JudgeInput, verdict: Verdict): void {
    if (policies === null || as !== undefined || verdict.answer === 'indeterminate') return;
    this.#last = { view, epoch: view.epoch, policies, question, at: now, verdict };
  }
}

function isSameQuestion(one: Question, other: Question, { compiled }: PublishedPolicies): boolean {
  const { asker, resource, action, request } = one;
  // What a token may depends on more than policies.
  if (asker.kind !== 'session' || other.asker.kind !== 'session') return false;
  return (
    asker.sessionId === other.asker.sessionId &&
    action === other.action &&
    resource.type === other.resource.type &&
    resource.id === other.resource.id &&
    isSameRequest(request, other.request, compiled)
  );
}

function isSameRequest(one: RequestContext, other: RequestContext, { readsPath }: { readsPath: boolean }): boolean {
  const { method, host, path, route, address, tls, noun } = one;
  return (
    route === other.route &&
    method === other.method &&
    host === other.host &&
    address === other.address &&
    tls === other.tls &&
    noun === other.noun &&
    // What no policy reads must still be text that Cedar could be asked with.
    (path === other.path || (!readsPath && path.isWellFormed()))
  );
}
