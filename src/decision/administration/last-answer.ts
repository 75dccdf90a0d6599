import type { FactView, Question, Verdict } from '#foundation/model';
import type { JudgeInput, PublishedPolicies } from './judge.ts';

/**
 * What judge() answered last, for one session and app: who asks again is given the same verdict for as long as judging anew could only come to
 * the same. That is while facts and policies stand still, nothing that a policy may read of the request is another, and the time has come to
 * none of the points at which the verdict is to be judged again.
 *
 * Every request looks at it, mostly in memory that no cache holds: so all of it lies in one object. None of its texts is cut out of a request,
 * whose whole head it would keep.
 */
export class LastAnswer {
  #verdict: Verdict | null = null;
  #view: FactView | null = null;
  #epoch = 0;
  #revision = 0;
  /** markOf() the policies: who asks no more keeps none that are no longer in force. */
  #mark: object | null = null;
  /** Milliseconds since the epoch: from when on, and before which time. */
  #from = 0;
  #until = 0;
  #session = '';
  #app = '';
  #action = '';
  #method = '';
  #host = '';
  /** Empty where no policy reads it. */
  #path = '';
  #route = '';
  #address = '';
  #tls = false;
  #noun = '';

  /** The verdict that judge() would give; undefined when that is not known. */
  to({ view, policies, question, now, as }: JudgeInput): Verdict | undefined {
    if (this.#verdict === null || policies === null || as !== undefined) return undefined;
    const isNow =
      this.#revision === view.revision &&
      this.#epoch === view.epoch &&
      this.#view === view &&
      this.#mark === markOf(policies) &&
      // A clock that was set back says nothing of then.
      this.#from <= now &&
      now < this.#until;
    return isNow && this.#isFor(question, policies) ? this.#verdict : undefined;
  }

  #isFor({ asker, resource, action, request }: Question, { compiled }: PublishedPolicies): boolean {
    return (
      asker.kind === 'session' &&
      asker.sessionId === this.#session &&
      resource.type === 'App' &&
      resource.id === this.#app &&
      action === this.#action &&
      request.route === this.#route &&
      request.method === this.#method &&
      request.host === this.#host &&
      request.address === this.#address &&
      request.tls === this.#tls &&
      request.noun === this.#noun &&
      // What no policy reads must still be text that Cedar could be asked with.
      (compiled.readsPath ? request.path === this.#path : request.path.isWellFormed())
    );
  }

  /** `verdict` is what judge() made of the input. Call it only where the verdict's `judgeAgainAt` is exact. */
  keep({ view, policies, question, now, as }: JudgeInput, verdict: Verdict): void {
    const { asker, resource, action, request } = question;
    if (policies === null || as !== undefined || verdict.answer === 'indeterminate') return;
    // What a token may depends on more than policies.
    if (asker.kind !== 'session' || resource.type !== 'App') return;
    this.#verdict = verdict;
    this.#view = view;
    this.#epoch = view.epoch;
    this.#revision = verdict.factRevision;
    this.#mark = markOf(policies);
    this.#from = now;
    this.#until = verdict.judgeAgainAt ?? Number.POSITIVE_INFINITY;
    this.#session = asker.sessionId;
    this.#app = resource.id;
    this.#action = action;
    this.#method = ownText(request.method, this.#method);
    this.#host = ownText(request.host, this.#host);
    this.#path = policies.compiled.readsPath ? ownText(request.path, this.#path) : '';
    this.#route = request.route;
    this.#address = ownText(request.address, this.#address);
    this.#tls = request.tls;
    this.#noun = request.noun;
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
function ownText(text: string, known: string): string {
  return known === text ? known : Buffer.from(text).toString();
}
