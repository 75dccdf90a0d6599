import { toIdentifier } from '#foundation/encoding';
import type { Clock, JournalEvent, RandomBytes } from '#foundation/model';
import { ocsfVerdict, severityOf } from './ocsf-objects.ts';

/** A request of somebody without a session or token, answered. */
export interface StrangerRequest {
  readonly answer: 'allow' | 'deny';
  /** Name of the resource, or null when the host names none: a host is attacker-controlled and would be no bounded key. */
  readonly resource: string | null;
  /** Why it was refused, from a bounded set of words of ours; of what was let through, the route's label. */
  readonly reason: string;
  /** `@id`s of the deciding policies. */
  readonly policies: readonly string[];
  /** The client's address as our socket saw it. */
  readonly address: string;
  /** This many like it between two drain()s have an event of their own, and are not in the summary. Default none. */
  readonly ownEvents?: number;
}

interface Tally {
  readonly answer: 'allow' | 'deny';
  readonly policies: readonly string[];
  readonly resource: string | null;
  readonly reason: string;
  readonly ownEvents: number;
  count: number;
  readonly start: number;
  end: number;
  readonly addresses: Set<string>;
}

const hourMs = 3_600_000;
const addressesMax = 16;
const overflowReason = 'many kinds of request';

/**
 * Counts requests of strangers, refused and let through, so that whoever floods the gateway with them cannot fill the disk: one
 * event per answer, resource, reason and hour for each drain(), with a count, instead of one per request. What has events of its own
 * is not counted a second time. Memory is bounded
 * by `keysMax`.
 */
export class StrangerTally {
  readonly #now: Clock;
  readonly #random: RandomBytes;
  readonly #keysMax: number;
  readonly #tallies = new Map<string, Tally>();

  constructor({ now, random, keysMax = 1000 }: { now: Clock; random: RandomBytes; keysMax?: number }) {
    this.#now = now;
    this.#random = random;
    this.#keysMax = keysMax;
  }

  /** Counts a request; gives how many like it there were since the last drain(). */
  note(request: StrangerRequest): number {
    const time = this.#now();
    const { answer, resource, reason, policies, address } = request;
    const key = JSON.stringify([answer, resource, reason, policies, Math.floor(time / hourMs)]);
    const tally = this.#tallies.get(key) ?? this.#begin(request, { key, time });
    tally.count += 1;
    tally.end = Math.max(tally.end, time);
    if (tally.addresses.size < addressesMax) tally.addresses.add(address);
    return tally.count;
  }

  #begin(request: StrangerRequest, { key, time }: { key: string; time: number }): Tally {
    const { answer, resource, reason, policies, ownEvents = 0 } = request;
    const isFull = this.#tallies.size >= this.#keysMax;
    const kept = isFull ? answer : key;
    const known = this.#tallies.get(kept);
    if (known !== undefined) return known;
    const kind = isFull
      ? { resource: null, reason: overflowReason, policies: [], ownEvents: 0 }
      : { resource, reason, policies, ownEvents };
    const tally = { answer, ...kind, count: 0, start: time, end: time, addresses: new Set<string>() };
    this.#tallies.set(kept, tally);
    return tally;
  }

  /** Gives the events for what was counted since the last call, and counts anew. */
  drain({ policySequence, factRevision }: { policySequence: number; factRevision: number }): JournalEvent[] {
    const counted = [...this.#tallies.values()].filter(({ count, ownEvents }) => count > ownEvents);
    const events = counted.map((tally): JournalEvent => {
      const { answer, policies, resource, reason, start, end } = tally;
      const count = tally.count - tally.ownEvents;
      const requests = count === 1 ? '1 request' : `${count} requests`;
      const isAllowed = answer === 'allow';
      const words = isAllowed ? [] : [reason];
      return {
        id: toIdentifier(this.#random(16)),
        time: end,
        classUid: 4002,
        activityId: 99,
        severityId: severityOf(answer),
        statusId: isAllowed ? 1 : 2,
        subject: 'stranger',
        policySequence,
        factRevision,
        payload: {
          ...ocsfVerdict({ answer, reasons: policies, words }, policySequence),
          profiles: ['security_control', 'host'],
          activity_name: 'Requests of strangers, counted',
          actor: { app_uid: 'anonymous', app_name: 'anonymous' },
          http_request: {},
          ...(resource === null ? {} : { dst_endpoint: { svc_name: resource } }),
          count,
          start_time: start,
          end_time: end,
          message: isAllowed
            ? `${requests} without a session, let through`
            : `${requests} without a session, refused: ${reason}`,
          unmapped: { addresses: [...tally.addresses], ...(isAllowed ? { route: reason } : {}) },
        },
      };
    });
    this.#tallies.clear();
    return events;
  }
}
