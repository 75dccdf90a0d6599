import type { FactView, Question, RequestContext, Verdict } from '#foundation/model';
import type { JudgeInput, PublishedPolicies } from './judge.ts';

/** Of a question what is compared. None of its texts is cut out of a request, whose whole head it would keep in memory. */
type Asked = Pick<Question, 'action' | 'resource'> & RequestContext & { readonly sessionId: string };

interface Answered {
  readonly view: FactView;
  readonly epoch: number;
  /** markOf() the policies: who asks no more keeps none that are no longer in force. */
  readonly mark: object;
  readonly asked: Asked;
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
    if (last === null || as !== undefined || last.view !== view || last.epoch !== view.epoch) return undefined;
    const { verdict, at } = last;
    if (verdict.factRevision !== view.revision) return undefined;
    // A clock that was set back says nothing of then.
    if (now < at || (verdict.judgeAgainAt !== null && now >= verdict.judgeAgainAt)) return undefined;
    if (policies === null || last.mark !== markOf(policies)) return undefined;
    return isSameQuestion(question, last.asked, policies) ? verdict : undefined;
  }

  /** `verdict` is what judge() made of the input. Call it only where the verdict's `judgeAgainAt` is exact. */
  keep({ view, policies, question, now, as }: JudgeInput, verdict: Verdict): void {
    const { asker, action, resource, request } = question;
    // What a token may depends on more than policies.
    if (policies === null || as !== undefined || asker.kind !== 'session' || verdict.answer === 'indeterminate') return;
    const before = this.#last?.asked;
    const asked = {
      sessionId: asker.sessionId,
      action,
      resource,
      method: ownText(request.method, before?.method),
      host: ownText(request.host, before?.host),
      path: policies.compiled.readsPath ? ownText(request.path, before?.path) : '',
      route: request.route,
      address: ownText(request.address, before?.address),
      tls: request.tls,
      noun: request.noun,
    };
    this.#last = { view, epoch: view.epoch, mark: markOf(policies), asked, at: now, verdict };
  }
}

const marks = new WeakMap<PublishedPolicies, object>();

/** Another object for each. */
function markOf(policies: PublishedPolicies): object {
  let mark = marks.get(policies);
  if (mark === undefined) {
    mark = {};
    marks.set(policies, mark);
  }
  return mark;
}

/** The same text in memory of its own; `known`: one that is, and most likely says the same. Of what was judged, so all of it is Unicode. */
function ownText(text: string, known: string | undefined): string {
  return known === text ? known : Buffer.from(text).toString();
}

function isSameQuestion(one: Question, other: Asked, { compiled }: PublishedPolicies): boolean {
  const { asker, resource, action, request } = one;
  return (
    asker.kind === 'session' &&
    asker.sessionId === other.sessionId &&
    action === other.action &&
    resource.type === other.resource.type &&
    resource.id === other.resource.id &&
    isSameRequest(request, other, compiled)
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
    (readsPath ? path === other.path : path.isWellFormed())
  );
}
