import type { CutReason } from '#decision/administration';
import { httpActivity } from '#evidence/log';
import type { FactView, JournalEvent } from '#foundation/model';
import type { Judged } from './gate.ts';

/** Cuts whose events wait; beyond it they are only counted. */
const waitingMax = 20_000;
/** Handed to the journal at a time, so that a mass cut leaves the journal's places to requests. */
const atOnce = 256;

export interface CutEventNeeds {
  readonly clock: () => number;
  readonly newId: () => string;
  readonly facts: FactView;
  readonly record: (event: JournalEvent) => Promise<void>;
  /** Told how many events were not written; the error is null when too many waited. */
  readonly onLost: (count: number, error: unknown) => void;
}

/** A running exchange as it was let through. */
export type Running = Pick<Judged, 'id' | 'question' | 'request' | 'site'> & { readonly userId: string | null };

/** Tells the journal when and why access that was running ended. Noting never waits and never throws. */
export class CutEvents {
  readonly #needs: CutEventNeeds;
  #waiting: { running: Running; reason: CutReason; time: number }[] = [];
  #draining: Promise<void> | undefined;

  constructor(needs: CutEventNeeds) {
    this.#needs = needs;
  }

  note(running: Running, reason: CutReason): void {
    if (this.#waiting.length >= waitingMax) {
      this.#needs.onLost(1, null);
      return;
    }
    this.#waiting.push({ running, reason, time: this.#needs.clock() });
    void this.flush();
  }

  /** Resolves when all that was noted is written or lost. */
  flush(): Promise<void> {
    this.#draining ??= this.#drain().finally(() => {
      this.#draining = undefined;
    });
    return this.#draining;
  }

  async #drain(): Promise<void> {
    // The cut itself comes first: events are made in a later turn.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      const some = this.#waiting.splice(0, atOnce);
      const written = await Promise.allSettled(some.map(async (cut) => this.#needs.record(this.#event(cut))));
      const lost = written.filter((each) => each.status === 'rejected');
      if (lost[0] !== undefined) this.#needs.onLost(lost.length, lost[0].reason);
    }
  }

  #event({ running, reason, time }: { running: Running; reason: CutReason; time: number }): JournalEvent {
    const { question, request, site, id, userId } = running;
    const { facts } = this.#needs;
    const { asker } = question;
    // Of the session or token by name only: it may have ended, which is why we are here.
    const owner = asker.kind === 'token' ? facts.get('token', asker.tokenId)?.owner : undefined;
    const uid = userId ?? owner?.id;
    const user = uid === undefined ? undefined : facts.get('user', uid);
    const verdict = reason.verdict ?? { answer: 'deny', reasons: [], words: reason.words };
    return httpActivity({
      id: this.#needs.newId(),
      time,
      policySequence: reason.verdict?.policySequence ?? 0,
      factRevision: reason.verdict?.factRevision ?? facts.revision,
      principal: {
        type: uid === undefined ? 'Anonymous' : owner?.type === 'Workload' ? 'Workload' : 'User',
        uid: uid ?? 'anonymous',
        name: user?.name,
        email: user?.email ?? undefined,
        sessionId: asker.kind === 'session' ? asker.sessionId : undefined,
      },
      method: request.method,
      url: {
        scheme: request.upgrade === 'websocket' ? (request.tls ? 'wss' : 'ws') : request.tls ? 'https' : 'http',
        hostname: request.host,
        port: request.port ?? undefined,
        path: request.path,
      },
      address: request.address,
      resource: site.id,
      verdict: { ...verdict, answer: verdict.answer === 'allow' ? 'deny' : verdict.answer },
      unmapped: { action: question.action, route: question.request.route, request: id, cut: reason.kind },
      message: 'access that was running was ended',
    });
  }
}
