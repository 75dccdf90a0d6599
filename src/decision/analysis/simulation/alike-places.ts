import type { LocatedPolicy, ScopeJson } from '#decision/engine';
import { type EntityUid, formatUid } from '#foundation/model';
import { type PrincipalReads, readsOfPrincipal } from '../reverse/principal-reads.ts';
import type { VersionedFacts } from './versioned-facts.ts';

/** What stands for an app: by itself, and together with all that policies cannot tell from it. */
export interface Place {
  readonly own: number;
  readonly alike: number;
  /** What those policies notice that may concern it: all others do not look at who asks. */
  readonly reads: PrincipalReads;
}

/** May a policy of this scope concern an app that is, or stands in, one of these? Errs towards yes. */
function mayConcern({ op, entity, entity_type: type, in: within }: ScopeJson, around: ReadonlySet<string>): boolean {
  const named = op === 'is' ? within?.entity : entity;
  if (op === 'is' && type !== 'App') return false;
  if ((op !== '==' && op !== 'in' && op !== 'is') || named === undefined) return true;
  return around.has(formatUid('__entity' in named ? named.__entity : named));
}

/** Numbers apps so that two with the same number get the same answers, whoever asks. */
export class AlikePlaces {
  readonly #facts: VersionedFacts;
  readonly #reads: PrincipalReads;
  readonly #policies: readonly (readonly [id: string, policy: LocatedPolicy])[];
  readonly #numbers = new Map<string, number>();
  /** Of the policies that may concern a place, by their places among all. */
  readonly #readsOf = new Map<string, PrincipalReads>();
  /** Places and the first app of each number, from one change of apps and segments to the next. */
  #current = { from: 0, until: 0, places: new Map<string, Place>(), first: new Map<number, EntityUid>() };

  /** `reads`: of all `policies`. */
  constructor(
    facts: VersionedFacts,
    { reads, policies }: { reads: PrincipalReads; policies: ReadonlyMap<string, LocatedPolicy> },
  ) {
    this.#facts = facts;
    this.#reads = reads;
    this.#policies = [...policies];
  }

  /** Numbers that were given. */
  get count(): number {
    return this.#numbers.size;
  }

  of(app: string): Place {
    const { revision } = this.#facts;
    if (revision < this.#current.from || revision >= this.#current.until) {
      this.#current = { ...this.#facts.changeSpan('place'), places: new Map(), first: new Map() };
    }
    const { places, from } = this.#current;
    let place = places.get(app);
    if (place === undefined) {
      const own = this.#number(`${from} ${JSON.stringify([app])}`);
      const like = this.#likeness(app);
      const alike = like === null ? own : this.#number(`${from} ${like}`);
      place = { own, alike, reads: this.#readsAt(app) };
      places.set(app, place);
    }
    return place;
  }

  /** The first of the apps that are alike: what is known of it is looked up once. */
  standIn(resource: EntityUid): EntityUid {
    const { alike } = this.of(resource.id);
    const { first } = this.#current;
    const stand = first.get(alike) ?? resource;
    first.set(alike, stand);
    return stand;
  }

  /** All that policies can notice about an app; null where they can notice that it is this one. */
  #likeness(id: string): string | null {
    const app = this.#facts.get('resource', id);
    const { isResourceRead, apps, paths } = this.#reads;
    if (app === undefined || isResourceRead || apps.has(id) || !id.isWellFormed()) return null;
    const { origin, requestable } = app;
    const attributes = Object.entries({ origin, requestable }).filter(([name]) => paths.has(`resource.${name}`));
    // Sensitivity and all that stands above come from the segment.
    return JSON.stringify([null, app.segment, attributes]);
  }

  #readsAt(app: string): PrincipalReads {
    const around = new Set([formatUid({ type: 'App', id: app })]);
    let segment = this.#facts.get('resource', app)?.segment ?? null;
    while (segment !== null) {
      const uid = formatUid({ type: 'Segment', id: segment });
      // Segments may lie in each other by mistake.
      if (around.has(uid)) break;
      around.add(uid);
      segment = this.#facts.get('segment', segment)?.within ?? null;
    }
    const concerning = this.#policies.filter(([, { json }]) => mayConcern(json.resource as ScopeJson, around));
    const key = JSON.stringify(concerning.map(([id]) => id));
    const reads = this.#readsOf.get(key) ?? readsOfPrincipal({ policies: new Map(concerning) });
    this.#readsOf.set(key, reads);
    return reads;
  }

  #number(key: string): number {
    const number = this.#numbers.get(key) ?? this.#numbers.size;
    this.#numbers.set(key, number);
    return number;
  }
}
