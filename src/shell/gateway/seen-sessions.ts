import type { Bearer } from './bearer.ts';
import type { CallControl } from './control-client.ts';

const seenReportEveryMs = 15_000;
const seenSessionsPerReportMax = 5_000;
/**
 * A session that was reported is reported again only after this part of its idle time: each report is a row that control writes, and
 * the use that waits is told long before the session could end for want of it.
 */
const reportAfter = 1 / 20;

/** The last use of one session. */
export interface Seen {
  /** False from when it was forgotten. */
  isKept: boolean;
  at: number;
  /** The newest use that control knows of; -1 before it knows of any. */
  reportedAt: number;
  idleMs: number;
}

/** Remembers when sessions were last used and tells control in batches, so that idle sessions end and used ones do not. */
export class SeenSessions {
  readonly #seen = new Map<string, Seen>();
  readonly #call: CallControl;
  readonly #timer: NodeJS.Timeout;
  readonly #clock: () => number;

  constructor(call: CallControl, clock: () => number) {
    this.#call = call;
    this.#clock = clock;
    this.#timer = setInterval(() => void this.flush(), seenReportEveryMs);
    this.#timer.unref();
  }

  saw(bearer: Pick<Bearer, 'sessionId' | 'idleMs' | 'seen'>, at: number): void {
    if (bearer.seen?.isKept !== true) bearer.seen = this.#seenOf(bearer);
    bearer.seen.at = at;
  }

  #seenOf({ sessionId, idleMs }: Pick<Bearer, 'sessionId' | 'idleMs'>): Seen {
    let seen = this.#seen.get(sessionId);
    if (seen === undefined) {
      seen = { isKept: true, at: 0, reportedAt: -1, idleMs: 0 };
      this.#seen.set(sessionId, seen);
    }
    seen.idleMs = idleMs;
    return seen;
  }

  /** Reports what is due, or with `isLast` all that control does not know. What it could not take is kept for the next time. */
  async flush({ isLast = false }: { isLast?: boolean } = {}): Promise<void> {
    const now = this.#clock();
    const due: [id: string, seen: Seen, at: number][] = [];
    for (const [id, seen] of this.#seen) {
      const { at, reportedAt, idleMs } = seen;
      const isDue = reportedAt < 0 || now - reportedAt >= idleMs * reportAfter;
      if (at > reportedAt && (isDue || isLast)) due.push([id, seen, at]);
      else if (at <= reportedAt && isDue) {
        this.#seen.delete(id);
        seen.isKept = false;
      }
    }
    for (let from = 0; from < due.length; from += seenSessionsPerReportMax) {
      const batch = due.slice(from, from + seenSessionsPerReportMax);
      try {
        await this.#call('session/seen', { sessions: batch.map(([id, , at]) => ({ id, at })) });
      } catch {
        return;
      }
      for (const [, seen, at] of batch) seen.reportedAt = at;
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush({ isLast: true });
  }
}
