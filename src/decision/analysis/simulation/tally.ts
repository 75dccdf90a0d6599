import type { ChangeGroup, DecisionSum, Gains } from '#foundation/model';
import type { RecordedDecision } from './simulation.ts';

/** Groups of changed decisions that are told apart; further ones are counted. */
const groupsMax = 20_000;
/** Subjects, resources and policies that are told apart. */
const namesMax = 20_000;
/** Lines of each list in the report. */
export const listedMax = 200;
const examplesMax = 3;

/** What a tally holds. */
export interface TallyParts {
  readonly groups: readonly (readonly [string, ChangeGroup])[];
  readonly decisions: Readonly<Record<'gained' | 'lost', number>>;
  readonly subjects: Readonly<Record<'gained' | 'lost', readonly string[]>>;
  readonly by: Readonly<Record<'subject' | 'resource' | 'policy', readonly (readonly [string, Gains])[]>>;
  readonly beyond: number;
}

type Open<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer U)[] ? U[] : T[K] };

interface Changed {
  readonly before: readonly string[];
  readonly after: readonly string[];
  readonly isGain: boolean;
}

/** Adds up what changes, by subject, resource and policy. */
export class Tally {
  readonly #groups = new Map<string, Open<ChangeGroup>>();
  readonly #decisions = { gained: 0, lost: 0 };
  readonly #subjects = { gained: new Set<string>(), lost: new Set<string>() };
  readonly #by = {
    subject: new Map<string, Open<Gains>>(),
    resource: new Map<string, Open<Gains>>(),
    policy: new Map<string, Open<Gains>>(),
  };
  #beyond = 0;

  add(decision: RecordedDecision, { before, after, isGain }: Changed): void {
    const change = isGain ? 'gained' : 'lost';
    const { subject, question, id } = decision;
    const { action, resource, request } = question;
    this.#decisions[change] += 1;
    const who = `${subject.kind} ${subject.id}`;
    if (this.#subjects[change].size < namesMax) this.#subjects[change].add(who);
    this.#count('subject', { key: who, name: subject.name, change });
    this.#count('resource', { key: resource.id, name: resource.id, change });
    // Who loses without a forbid loses what no longer permits.
    for (const policy of after.length > 0 ? after : before) {
      this.#count('policy', { key: policy, name: policy, change });
    }
    const key = JSON.stringify([change, who, resource.id, action, request.route, before, after]);
    const group = this.#groups.get(key);
    if (group !== undefined) {
      group.count += 1;
      if (group.examples.length < examplesMax) group.examples.push(id);
    } else if (this.#groups.size >= groupsMax) this.#beyond += 1;
    else {
      const { route } = request;
      const reasons = { before: [...before], after: [...after] };
      this.#groups.set(key, {
        change,
        subject,
        resource: resource.id,
        action,
        route,
        count: 1,
        ...reasons,
        examples: [id],
      });
    }
  }

  #count(
    by: 'subject' | 'resource' | 'policy',
    { key, name, change }: { key: string; name: string; change: 'gained' | 'lost' },
  ): void {
    const known = this.#by[by].get(key);
    if (known !== undefined) known[change] += 1;
    else if (this.#by[by].size < namesMax) {
      this.#by[by].set(key, { key, name, gained: 0, lost: 0, [change]: 1 });
    }
  }

  /** Everything it holds, so that another can take it in; shared, not copied. */
  parts(): TallyParts {
    return {
      groups: [...this.#groups],
      decisions: { ...this.#decisions },
      subjects: { gained: [...this.#subjects.gained], lost: [...this.#subjects.lost] },
      by: { subject: [...this.#by.subject], resource: [...this.#by.resource], policy: [...this.#by.policy] },
      beyond: this.#beyond,
    };
  }

  /** Takes in what another added up. */
  take({ groups, decisions, subjects, by, beyond }: TallyParts): void {
    this.#beyond += beyond;
    for (const change of ['gained', 'lost'] as const) {
      this.#decisions[change] += decisions[change];
      for (const who of subjects[change]) if (this.#subjects[change].size < namesMax) this.#subjects[change].add(who);
    }
    for (const name of ['subject', 'resource', 'policy'] as const) {
      for (const [key, gains] of by[name]) {
        const known = this.#by[name].get(key);
        if (known !== undefined) {
          known.gained += gains.gained;
          known.lost += gains.lost;
        } else if (this.#by[name].size < namesMax) this.#by[name].set(key, { ...gains });
      }
    }
    for (const [key, group] of groups) {
      const known = this.#groups.get(key);
      if (known !== undefined) {
        known.count += group.count;
        known.examples = [...known.examples, ...group.examples].slice(0, examplesMax);
      } else if (this.#groups.size >= groupsMax) this.#beyond += group.count;
      else
        this.#groups.set(key, {
          ...group,
          before: [...group.before],
          after: [...group.after],
          examples: [...group.examples],
        });
    }
  }

  sums() {
    const list = (by: 'subject' | 'resource' | 'policy') =>
      [...this.#by[by].values()]
        .sort((a, b) => b.gained + b.lost - a.gained - a.lost || (a.key < b.key ? -1 : 1))
        .slice(0, listedMax);
    const groups = [...this.#groups.values()].sort((a, b) => b.count - a.count);
    const sum = (change: 'gained' | 'lost'): DecisionSum => ({
      decisions: this.#decisions[change],
      subjects: this.#subjects[change].size,
    });
    return {
      gained: sum('gained'),
      lost: sum('lost'),
      groups: groups.slice(0, listedMax),
      moreGroups: Math.max(0, groups.length - listedMax) + (this.#beyond > 0 ? 1 : 0),
      bySubject: list('subject'),
      byResource: list('resource'),
      byPolicy: list('policy'),
    };
  }
}
