import type { GatewayReport } from '#shell/wire';

/** A gateway that was not heard for this long says nothing about now. */
const reportMsMax = 20_000;
const reportsMax = 1_000;

/** One gateway as control knows it at this moment. */
export interface GatewayState {
  readonly name: string;
  /** Is it following the facts now? */
  readonly following: boolean;
  /** When it last said something, milliseconds; null since this control started. */
  readonly seenAt: number | null;
  /** Its last report; null when that is too old to mean anything. */
  readonly report: GatewayReport | null;
  /** Revision of the facts when it said so. */
  readonly headAtReport: number | null;
}

/** What gateways say about themselves, in memory: a report is renewed every few seconds and means nothing afterwards. */
export class GatewayReports {
  readonly #reports = new Map<string, { readonly at: number; readonly report: GatewayReport; readonly head: number }>();
  readonly #clock: () => number;
  readonly #following: () => readonly string[];
  readonly #head: () => number;

  constructor(needs: {
    readonly clock: () => number;
    readonly following: () => readonly string[];
    readonly head: () => number;
  }) {
    this.#clock = needs.clock;
    this.#following = needs.following;
    this.#head = needs.head;
  }

  note(name: string, report: GatewayReport): void {
    if (this.#reports.size >= reportsMax && !this.#reports.has(name)) return;
    this.#reports.set(name, { at: this.#clock(), report, head: this.#head() });
  }

  states(): GatewayState[] {
    const following = new Set(this.#following());
    const names = [...new Set([...following, ...this.#reports.keys()])].sort();
    return names.map((name) => {
      const last = this.#reports.get(name);
      const isFresh = last !== undefined && this.#clock() - last.at < reportMsMax;
      return {
        name,
        following: following.has(name),
        seenAt: last?.at ?? null,
        report: isFresh ? last.report : null,
        headAtReport: isFresh ? last.head : null,
      };
    });
  }
}
