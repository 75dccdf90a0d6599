import type { CallControl } from './control-client.ts';

const seenReportEveryMs = 15_000;
const seenSessionsPerReportMax = 5_000;

/** Remembers when sessions were last used and tells control in batches, so that idle sessions end and used ones do not. */
export class SeenSessions {
  readonly #seen = new Map<string, number>();
  readonly #call: CallControl;
  readonly #timer: NodeJS.Timeout;

  constructor(call: CallControl) {
    this.#call = call;
    this.#timer = setInterval(() => void this.flush(), seenReportEveryMs);
    this.#timer.unref();
  }

  saw(sessionId: string, at: number): void {
    this.#seen.set(sessionId, at);
  }

  /** Reports what was seen. What control could not take is kept for the next time. */
  async flush(): Promise<void> {
    const batch = [...this.#seen].slice(0, seenSessionsPerReportMax).map(([id, at]) => ({ id, at }));
    if (batch.length === 0) return;
    for (const { id } of batch) this.#seen.delete(id);
    try {
      await this.#call('session/seen', { sessions: batch });
    } catch {
      for (const { id, at } of batch) if (!this.#seen.has(id)) this.#seen.set(id, at);
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
  }
}
