import { toBase64url } from '#foundation/encoding';
import type { Clock, JournalEvent, RandomBytes } from '#foundation/model';
import { ocsfVerdict } from './ocsf-objects.ts';

/** A denial of somebody without a session or token. */
export interface StrangerDenial {
  /** Name of the resource, or null when the host names none: a host is attacker-controlled and would be no bounded key. */
  readonly resource: string | null;
  /** Why, from a bounded set of words of ours. */
  readonly reason: string;
  /** The client's address as our socket saw it. */
  readonly address: string;
}

interface Tally {
  readonly resource: string | null;
  readonly reason: string;
  count: number;
  readonly start: number;
  end: number;
  readonly addresses: Set<string>;
}

const hourMs = 3_600_000;
const addressesMax = 16;
const overflowReason = 'many kinds of denial';

/**
 * Counts denials of strangers, so that whoever floods the gateway with requests cannot fill the disk: one event per
 * resource, reason and hour for each drain(), with a count, instead of one per request. Memory is bounded by `keysMax`.
 */
export class StrangerDenials {
  readonly #now: Clock;
  readonly #random: RandomBytes;
  readonly #keysMax: number;
  readonly #tallies = new Map<string, Tally>();

  constructor({ now, random, keysMax = 1000 }: { now: Clock; random: RandomBytes; keysMax?: number }) {
    this.#now = now;
    this.#random = random;
    this.#keysMax = keysMax;
  }

  /** Counts a denial; gives how many like it there were since the last drain(). */
  note({ resource, reason, address }: StrangerDenial): number {
    const time = this.#now();
    const hour = Math.floor(time / hourMs);
    const key = JSON.stringify([resource, reason, hour]);
    const tally = this.#tallies.get(key) ?? this.#begin({ key, resource, reason, time });
    tally.count += 1;
    tally.end = Math.max(tally.end, time);
    if (tally.addresses.size < addressesMax) tally.addresses.add(address);
    return tally.count;
  }

  #begin(start: { key: string; resource: string | null; reason: string; time: number }): Tally {
    const isFull = this.#tallies.size >= this.#keysMax;
    const key = isFull ? '' : start.key;
    const known = this.#tallies.get(key);
    if (known !== undefined) return known;
    const { resource, reason } = isFull ? { resource: null, reason: overflowReason } : start;
    const tally = { resource, reason, count: 0, start: start.time, end: start.time, addresses: new Set<string>() };
    this.#tallies.set(key, tally);
    return tally;
  }

  /** Gives the events for what was counted since the last call, and counts anew. */
  drain({ policySequence, factRevision }: { policySequence: number; factRevision: number }): JournalEvent[] {
    const events = [...this.#tallies.values()].map((tally): JournalEvent => {
      const { resource, count, start, end } = tally;
      return {
        id: toBase64url(this.#random(16)),
        time: end,
        classUid: 4002,
        activityId: 99,
        severityId: 2,
        statusId: 2,
        subject: 'stranger',
        policySequence,
        factRevision,
        payload: {
          ...ocsfVerdict({ answer: 'deny', reasons: [], words: [tally.reason] }, policySequence),
          profiles: ['security_control', 'host'],
          activity_name: 'Requests of strangers, counted',
          actor: { app_uid: 'anonymous', app_name: 'anonymous' },
          http_request: {},
          ...(resource === null ? {} : { dst_endpoint: { svc_name: resource } }),
          count,
          start_time: start,
          end_time: end,
          message: `${count} requests without a session were refused: ${tally.reason}`,
          unmapped: { addresses: [...tally.addresses] },
        },
      };
    });
    this.#tallies.clear();
    return events;
  }
}
